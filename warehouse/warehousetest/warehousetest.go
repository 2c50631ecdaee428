// Package warehousetest gives each test a ClickHouse database of its own.
//
// The engine is the embedded one, started for the first test of a package that
// asks and stopped after the last, or, when CLICKSTREAM_TEST_CLICKHOUSE is set,
// the one that it names:
//
//	CLICKSTREAM_TEST_CLICKHOUSE           host:port of the native protocol
//	CLICKSTREAM_TEST_CLICKHOUSE_HTTP      host:port of HTTP; the host's 8123 when empty
//	CLICKSTREAM_TEST_CLICKHOUSE_USER      "default" when empty
//	CLICKSTREAM_TEST_CLICKHOUSE_PASSWORD
//
// A package whose tests never ask installs and starts nothing.
package warehousetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"clickstream/migrations"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest/visible"
)

// An Endpoint is a database on a running ClickHouse and who may use it.
type Endpoint struct {
	Addr     string // native protocol, host:port
	HTTPAddr string // host:port
	User     string
	Password string
	Database string
}

// shared is the engine of this test binary.
var shared struct {
	start  sync.Once
	dir    string
	server *embedded.Server
	err    error

	stop context.CancelFunc // of keeping it
	kept chan struct{}      // closed when it is kept no more
}

// Main runs a package's tests and returns the status to exit with. It is all
// that a TestMain needs:
//
//	func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }
//
// It fails the run when goroutines are left after the tests.
func Main(m *testing.M) int {
	embedded.ChildMain()
	status := m.Run()
	if shared.server != nil {
		shared.stop()
		<-shared.kept
		// Its data goes with it, so it needs no clean end.
		shared.server.Kill()
		shared.server.Close()
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines are left after the tests: %v\n", err)
			return 1
		}
	}
	return status
}

// Database makes an empty database for t and drops it when t is over.
func Database(t testing.TB) Endpoint {
	t.Helper()
	e, err := engine()
	if err != nil {
		t.Fatalf("a ClickHouse for the test: %v", err)
	}
	e.Database = "test_" + strings.ToLower(rand.Text()[:16])
	execute(t, e, "CREATE DATABASE IF NOT EXISTS "+e.Database)
	t.Cleanup(func() { execute(t, e, "DROP DATABASE IF EXISTS "+e.Database+" SYNC") })
	return e
}

// Config is how a Warehouse is opened on the database.
func (e Endpoint) Config() warehouse.Config {
	return warehouse.Config{Addr: []string{e.Addr}, Database: e.Database, User: e.User, Password: e.Password}
}

// Migrated opens a Warehouse on a database of t's own, with all tables, until t
// is over.
func Migrated(t testing.TB) *warehouse.Warehouse {
	t.Helper()
	return migratedAt(t, Database(t).Config())
}

// MigratedWith is Migrated with one more migration, which has the next number.
func MigratedWith(t testing.TB, sql string) *warehouse.Warehouse {
	t.Helper()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	all, next := fstest.MapFS{}, 0
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: text}
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(digits)
		if err != nil {
			t.Fatal(err)
		}
		next = max(next, number+1)
	}
	all[fmt.Sprintf("%05d_test.sql", next)] = &fstest.MapFile{Data: []byte(sql)}
	cfg := Database(t).Config()
	cfg.Migrations = all
	return migratedAt(t, cfg)
}

// migratedAt is Migrated on a given database.
func migratedAt(t testing.TB, cfg warehouse.Config) *warehouse.Warehouse {
	t.Helper()
	w := Open(t, cfg)
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// Open opens a Warehouse as it is, until t is over.
func Open(t testing.TB, cfg warehouse.Config) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.Open(t.Context(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func engine() (Endpoint, error) {
	if addr := os.Getenv("CLICKSTREAM_TEST_CLICKHOUSE"); addr != "" {
		return given(addr)
	}
	shared.start.Do(startShared)
	if shared.err != nil {
		return Endpoint{}, shared.err
	}
	return Endpoint{
		Addr: shared.server.TCPAddr(), HTTPAddr: shared.server.HTTPAddr(),
		User: embedded.User, Password: shared.server.Credentials().Password,
	}, nil
}

func given(addr string) (Endpoint, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return Endpoint{}, fmt.Errorf("CLICKSTREAM_TEST_CLICKHOUSE has to be host:port of the native protocol: %w", err)
	}
	e := Endpoint{
		Addr:     addr,
		HTTPAddr: os.Getenv("CLICKSTREAM_TEST_CLICKHOUSE_HTTP"),
		User:     os.Getenv("CLICKSTREAM_TEST_CLICKHOUSE_USER"),
		Password: os.Getenv("CLICKSTREAM_TEST_CLICKHOUSE_PASSWORD"),
	}
	if e.HTTPAddr == "" {
		e.HTTPAddr = net.JoinHostPort(host, "8123")
	}
	if e.User == "" {
		e.User = "default"
	}
	return e, nil
}

func startShared() {
	shared.dir, shared.err = os.MkdirTemp("", "clickstream-test-clickhouse-")
	if shared.err != nil {
		return
	}
	// Not a test's context: the engine outlives the test that is first to ask.
	shared.server, shared.err = embedded.Start(context.Background(), embedded.Options{
		Dir: shared.dir, Progress: embedded.ProgressLines(visible.Writer()),
	})
	if shared.err != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	shared.stop, shared.kept = stop, make(chan struct{})
	go keep(ctx)
}

// keep starts the engine again when it ends by itself, as a running instance
// does, so that one broken handshake fails one test at most, and says why it
// ended.
func keep(ctx context.Context) {
	defer close(shared.kept)
	for {
		select {
		case <-ctx.Done():
			return
		case <-shared.server.Done():
		}
		fmt.Fprintf(os.Stderr, "%s the tests' ClickHouse at %s: %v\n", time.Now().Format(time.TimeOnly), shared.server.TCPAddr(), shared.server.Err())
		if err := shared.server.Restart(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "the tests' ClickHouse: %v\n", err)
			return
		}
	}
}

// execute does not use the test's context, which is over when it cleans up. It
// tries again while the engine cannot be reached: it may be starting again.
func execute(t testing.TB, e Endpoint, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{e.Addr},
		Auth: clickhouse.Auth{Username: e.User, Password: e.Password},
	})
	if err != nil {
		t.Fatalf("open ClickHouse at %s: %v", e.Addr, err)
	}
	defer c.Close()
	for {
		err = c.Exec(ctx, sql)
		if err == nil {
			return
		}
		if _, ok := warehouse.Retriable(err); !ok || ctx.Err() != nil {
			t.Errorf("%s on %s: %v", sql, e.Addr, err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
