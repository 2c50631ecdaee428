package instance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// serve runs roles of an instance with both engines given, in a folder of its
// own, until the test's end.
func serve(t *testing.T, b broker.Config, clickhouse warehouse.Config, names ...string) (r *Roles, dir string) {
	t.Helper()
	return serveAs(t, b, clickhouse, ServeConfig{Location: time.UTC, Roles: names, CollectorAddr: "127.0.0.1:0"})
}

func serveAs(t *testing.T, b broker.Config, clickhouse warehouse.Config, cfg ServeConfig) (r *Roles, dir string) {
	t.Helper()
	cfg, err := cfg.Checked()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "folder")
	e, err := Open(t.Context(), Config{Kafka: b, ClickHouse: clickhouse, Dir: dir, Sharing: StartAlone, BrokerOnly: cfg.BrokerOnly()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	r, err = e.NewRoles(t.Context(), zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.ErrorLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := r.Serve(cfg); err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// state is the role as another process sees it.
func state(t *testing.T, dir, role string) RoleState {
	t.Helper()
	d, err := Describe(dir)
	if err != nil || d == nil {
		t.Fatalf("no instance is described in %s: %v", dir, err)
	}
	for _, r := range d.Roles {
		if r.Name == role {
			return r
		}
	}
	return RoleState{}
}

func waitState(t *testing.T, dir, role string, want State) RoleState {
	t.Helper()
	ctx, tick := deadline(t), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		got := state(t, dir, role)
		if got.State == want {
			return got
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is %+v, want %s", role, got, want)
		case <-tick.C:
		}
	}
}

// accepts sends an event to the collector that the description names.
func accepts(t *testing.T, dir string) {
	t.Helper()
	d, err := Describe(dir)
	if err != nil || d == nil {
		t.Fatalf("no instance is described: %v", err)
	}
	body := `{"event_type":"view","product_id":"p1","session_id":"s1","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `"}`
	answer, err := http.Post(d.URLs["collector"], "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || !strings.Contains(string(text), `"accepted":1`) {
		t.Errorf("the collector answered %s: %s", answer.Status, text)
	}
}

func TestTheCollectorNeedsTheBrokerAlone(t *testing.T) {
	_, dir := serve(t, brokertest.Config(t), warehouse.Config{}, "collector")
	waitState(t, dir, "collector", Running)
	accepts(t, dir)
}

func TestI1_TheCollectorListensBeforeTheBrokerIsThere(t *testing.T) {
	log := t.TempDir()
	b, at := brokertest.Start(t, log)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, dir := serve(t, at, warehouse.Config{}, "collector")
	url := ""
	testwait.Until(t, "the collector listens", func() bool {
		d, err := Describe(dir)
		if err == nil && d != nil {
			url = d.URLs["collector"]
		}
		return url != ""
	})
	defer http.DefaultClient.CloseIdleConnections()
	get := func(path string) (int, string) {
		answer, err := http.Get(strings.TrimSuffix(url, "/v1/events") + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	if status, _ := get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is answered with %d", status)
	}
	if status, text := get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "the broker has not answered yet") {
		t.Errorf("/readyz is answered with %d %s", status, text)
	}
	answer, err := http.Post(url, "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "5" {
		t.Errorf("a request is answered with %s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	if s := state(t, dir, "collector"); s.State != Starting {
		t.Errorf("without a broker the role is %+v", s)
	}
	brokertest.StartAt(t, log, b.Addr())
	waitState(t, dir, "collector", Running)
	if status, text := get("/readyz"); status != http.StatusOK {
		t.Errorf("with a broker /readyz is answered with %d %s", status, text)
	}
	accepts(t, dir)
}

// gate is a way to ClickHouse that hangs up until it is opened.
type gate struct {
	listener net.Listener
	open     atomic.Bool
	done     sync.WaitGroup
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l}
	g.done.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			if !g.open.Load() {
				from.Close()
				continue
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			// The end of one direction is passed on and the other goes on: the
			// embedded ClickHouse does not survive a close while it answers.
			g.done.Go(func() { _, _ = io.Copy(server, from); _ = server.(*net.TCPConn).CloseWrite() })
			g.done.Go(func() { _, _ = io.Copy(from, server); server.Close(); from.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); g.done.Wait() })
	return g
}

func TestRolesThatNeedClickHouseWaitForItAndStopNoOther(t *testing.T) {
	end := warehousetest.Database(t)
	g := newGate(t, end.Addr)
	_, dir := serve(t, brokertest.Config(t), warehouse.Config{
		Addr: []string{g.listener.Addr().String()}, Database: end.Database, User: end.User, Password: end.Password,
	})
	for _, role := range []string{"collector", "normaliser", "processor"} {
		waitState(t, dir, role, Running)
	}
	for _, role := range []string{"mirror", "jobs"} {
		if s := waitState(t, dir, role, Waiting); !strings.Contains(s.Error, "closed the connection") {
			t.Errorf("%s says %q of its last start", role, s.Error)
		}
	}
	accepts(t, dir)
	g.open.Store(true)
	for _, role := range []string{"mirror", "jobs"} {
		if s := waitState(t, dir, role, Running); s.Error != "" || s.Restarts == 0 {
			t.Errorf("%s runs with %+v", role, s)
		}
	}
}

func TestWithBothEnginesGivenTheFolderNamesThemWithoutSecrets(t *testing.T) {
	b := brokertest.Config(t)
	clickhouse := warehouse.Config{Addr: []string{"127.0.0.1:9"}, Database: "shop", User: "someone", Password: "hunter2"}
	_, dir := serve(t, b, clickhouse, "collector")
	waitState(t, dir, "collector", Running)
	d, err := Describe(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(d); bytes.Contains(text, []byte("hunter2")) {
		t.Errorf("the description holds a password: %s", text)
	}
	e, err := Open(t.Context(), Config{Dir: dir, Sharing: JoinOnly, ClickHouse: warehouse.Config{Password: "hunter2"}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Kafka.Brokers[0] != b.Brokers[0] || e.Kafka.TopicPrefix != b.TopicPrefix || e.ClickHouse.Addr[0] != "127.0.0.1:9" ||
		e.ClickHouse.Database != "shop" || e.ClickHouse.User != "someone" || e.ClickHouse.Password != "hunter2" || e.Joined() == nil {
		t.Errorf("joined %+v and %+v", e.Kafka, e.ClickHouse)
	}
	if _, err := Open(t.Context(), Config{Kafka: b, ClickHouse: clickhouse, Dir: dir, Sharing: StartAlone}); err == nil || !strings.Contains(err.Error(), "running instance") {
		t.Errorf("a second instance in the folder: %v", err)
	}
}

func TestTheCollectorTakesAnotherPortWhereItsDefaultIsTaken(t *testing.T) {
	b := brokertest.Open(t)
	producer, err := ingest.NewProducer(t.Context(), b, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var said bytes.Buffer
	r := (&Engines{}).newRoles(t.Context(), b, zerolog.New(&said))
	run := func(c *ingest.Collector) {
		ended, end := context.WithCancel(t.Context())
		end()
		if err := c.Run(ended); err != nil { // closes its port
			t.Error(err)
		}
	}

	c, err := r.openCollector(ingest.CollectorConfig{Producer: producer}, taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "another program uses the port of "+taken.Addr().String()) || !strings.Contains(said.String(), c.Addr()) {
		t.Errorf("said %s", said.String())
	}
	run(c)
	_, err = r.openCollector(ingest.CollectorConfig{Producer: producer, Addr: taken.Addr().String()}, "")
	if err == nil || mayPass(err) || !strings.Contains(err.Error(), "--collector-addr") {
		t.Errorf("an address that was asked for and is taken: %v", err)
	}
	addr := taken.Addr().String()
	taken.Close()
	if c, err = r.openCollector(ingest.CollectorConfig{Producer: producer}, addr); err != nil || c.Addr() != addr {
		t.Fatalf("a free default: %v", err)
	}
	run(c)
	if err := r.Stop(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
