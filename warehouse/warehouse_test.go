package warehouse_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest"
)

func config(t *testing.T) warehouse.Config {
	t.Helper()
	return warehousetest.Database(t).Config()
}

func number(t *testing.T, w *warehouse.Warehouse, sql string) (n uint64) {
	t.Helper()
	if err := w.Conn().QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func TestOpenCreatesTheDatabase(t *testing.T) {
	cfg := config(t)
	w := warehousetest.Open(t, cfg)
	if err := w.Conn().Exec(t.Context(), "DROP DATABASE "+cfg.Database+" SYNC"); err != nil {
		t.Fatal(err)
	}
	again := warehousetest.Open(t, cfg)
	if got := number(t, again, "SELECT toUInt64(currentDatabase() = '"+cfg.Database+"')"); got != 1 {
		t.Error("the connection is not in the database that was made")
	}
}

func TestOpenSaysWhichSettingToCheck(t *testing.T) {
	cfg := config(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	for name, c := range map[string]struct {
		change func(*warehouse.Config)
		want   string
	}{
		"server down":  {func(c *warehouse.Config) { c.Addr = []string{nobody} }, "start ClickHouse or check the address"},
		"plain on TLS": {func(c *warehouse.Config) { c.Addr = []string{hangsUp(t)} }, "both sides use TLS"},
		"bad database": {func(c *warehouse.Config) { c.Database = "a-b; DROP" }, "use letters, digits and underscores"},
		"no address":   {func(c *warehouse.Config) { c.Addr = nil }, "name at least one"},
		"cluster":      {func(c *warehouse.Config) { c.Engine = "replicated" }, "needs the cluster's name"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := cfg
			c.change(&changed)
			w, err := warehouse.Open(t.Context(), changed, zerolog.Nop())
			if err == nil {
				w.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to say %q", err, c.want)
			}
			if cfg.Password != "" && strings.Contains(err.Error(), cfg.Password) {
				t.Error("the password is in the error")
			}
		})
	}
}

// hangsUp is the address of a server that ends every connection.
func hangsUp(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	return ln.Addr().String()
}

// It has an engine to itself: the embedded one does not outlive a password
// that it refuses.
func TestAWrongPasswordAndAWrongPortAreNamed(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { server.Kill(); server.Close() }()
	cfg := warehouse.Config{Addr: []string{server.HTTPAddr()}, User: embedded.User, Password: "not it"}
	_, err = warehouse.Open(t.Context(), cfg, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "this port speaks HTTP") || !strings.Contains(err.Error(), "9000") {
		t.Errorf("the HTTP port: got %v", err)
	}
	cfg.Addr = []string{server.TCPAddr()}
	_, err = warehouse.Open(t.Context(), cfg, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "check the user, the password") {
		t.Errorf("got %v", err)
	}
	if text := err.Error(); strings.Contains(text, "\n") || len(text) > 300 {
		t.Errorf("it is not one sentence but %q", text)
	}
}

func TestAPasswordFileIsRead(t *testing.T) {
	cfg := config(t)
	cfg.PasswordFile = filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(cfg.PasswordFile, []byte(cfg.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Password = ""
	warehousetest.Open(t, cfg)
}

func TestMigrateMayRunSeveralTimesAtOnceAndInTwoDatabases(t *testing.T) {
	w, other := warehousetest.Open(t, config(t)), warehousetest.Open(t, config(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := w.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := other.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	states, err := w.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		if !s.Applied {
			t.Errorf("%s is not applied", s.Name)
		}
	}
	const tables = "SELECT count() FROM system.tables WHERE database = currentDatabase()"
	before := number(t, w, tables)
	if again, err := w.Migrate(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("a second Migrate ran %v, %v", again, err)
	}
	if down, err := w.MigrateDown(t.Context()); err != nil || len(down) != 1 {
		t.Errorf("MigrateDown took back %v, %v; want one", down, err)
	}
	if _, err := w.MigrateReset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := number(t, w, tables); got != 1 {
		t.Errorf("%d tables are left after all migrations were taken back; want goose's own", got)
	}
	if _, err := w.MigrateDown(t.Context()); err != nil {
		t.Errorf("nothing left to take back: %v", err)
	}
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := number(t, w, tables); got != before {
		t.Errorf("%d tables after down and up, %d before", got, before)
	}
}

func TestAnotherLogIsRefused(t *testing.T) {
	w := warehousetest.Open(t, config(t))
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := broker.LogIdentity{Topic: "events", ClusterID: "a", TopicID: "t1", Partitions: 12}
	if err := w.CheckLog(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*broker.LogIdentity)
		want   string
	}{
		"the same":         {func(*broker.LogIdentity) {}, ""},
		"no topic id":      {func(id *broker.LogIdentity) { id.TopicID = "" }, ""},
		"another cluster":  {func(id *broker.LogIdentity) { id.ClusterID = "b" }, `its cluster id was "a", this one is "b"`},
		"topic made again": {func(id *broker.LogIdentity) { id.TopicID = "t2" }, "deleted and created again"},
		"another topic":    {func(id *broker.LogIdentity) { id.Topic = "other" }, "its topic was events"},
		"more partitions":  {func(id *broker.LogIdentity) { id.Partitions = 24 }, "had 12 partitions and has 24"},
		"says the way out": {func(id *broker.LogIdentity) { id.ClusterID = "b" }, "Use another database"},
		"a new log is the way out of more partitions": {func(id *broker.LogIdentity) { id.Partitions = 24 }, "--kafka-topic-prefix"},
	} {
		changed := id
		c.change(&changed)
		err := w.CheckLog(t.Context(), changed)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if changed.Partitions != id.Partitions && strings.Contains(err.Error(), "migrate") {
			t.Errorf("%s: new tables would take older events for invalid: %v", name, err)
		}
	}
	if _, err := w.MigrateReset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	id.ClusterID = "b"
	if err := w.CheckLog(t.Context(), id); err != nil {
		t.Fatalf("new tables take the new log: %v", err)
	}
}

// A number that the server does not know, or that stands for something else, is
// a mistake in our list.
func TestTheServerNamesEveryCodeThatIsWaitedFor(t *testing.T) {
	w := warehousetest.Open(t, config(t))
	for code := range warehouse.WaitCodes {
		var name string
		if err := w.Conn().QueryRow(t.Context(), "SELECT errorCodeToName(?)", code).Scan(&name); err != nil {
			t.Fatal(err)
		}
		if name == "" {
			t.Errorf("the server has no error %d", code)
		}
	}
}

func TestRetriableTellsWaitingFromMending(t *testing.T) {
	w := warehousetest.Open(t, config(t))
	missing := w.Conn().Exec(t.Context(), "SELECT * FROM nowhere")
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"none":              {nil, false},
		"cancelled":         {context.Canceled, false},
		"deadline":          {context.DeadlineExceeded, true},
		"table missing":     {missing, false},
		"too many parts":    {&ch.Exception{Code: proto.Error(252)}, true},
		"memory":            {&ch.Exception{Code: proto.Error(241)}, true},
		"overloaded":        {&ch.Exception{Code: proto.Error(745)}, true},
		"no file":           {&ch.Exception{Code: proto.Error(76)}, true},
		"standard library":  {&ch.Exception{Code: proto.Error(1001)}, true},
		"not known":         {&ch.Exception{Code: proto.Error(1002)}, true},
		"wrong type":        {&ch.Exception{Code: proto.Error(53)}, false},
		"not granted":       {&ch.Exception{Code: proto.Error(497)}, false},
		"no such column":    {&ch.Exception{Code: proto.Error(16)}, false},
		"authentication":    {&ch.Exception{Code: proto.Error(516)}, false},
		"refused":           {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"closed underneath": {ch.ErrClosed, true},
		"a bug of ours":     {errors.New("column has 3 rows, expected 4"), false},
	} {
		if reason, got := warehouse.Retriable(c.err); got != c.want || got && reason == "" {
			t.Errorf("%s: got %t (%q), want %t", name, got, reason, c.want)
		}
	}
}

// A connection that is given up while it is made must not end the embedded
// engine, which dies of a handshake that breaks off, four seconds later.
func TestADialThatIsGivenUpDoesNoHarm(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	w := warehousetest.Open(t, warehouse.Config{Addr: []string{server.TCPAddr()}, User: embedded.User, Password: server.Credentials().Password})
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan struct{})
		go func() {
			defer close(given)
			<-time.After(time.Duration(i) * 10 * time.Microsecond)
			cancel()
		}()
		if client, err := w.Dial(ctx); err == nil {
			_ = client.Close()
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		<-given
	}
	select {
	case <-server.Done():
		t.Errorf("the engine ended: %v", server.Err())
	case <-time.After(5 * time.Second):
	}
}
