package instance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/broker/embedded"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// cutting is a listener that is cut for good after a number of reads: its
// connections are closed, and new ones are accepted and closed.
type cutting struct {
	net.Listener
	mu     sync.Mutex
	left   int // reads until the cut
	closed int // connections that were closed at once
	conns  []net.Conn
}

func newCutting(t *testing.T, after int) *cutting {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &cutting{Listener: l, left: after}
}

func (c *cutting) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		cut := c.left <= 0
		if cut {
			c.closed++
		} else {
			c.conns = append(c.conns, conn)
		}
		c.mu.Unlock()
		if !cut {
			return cutConn{conn, c}, nil
		}
		conn.Close()
	}
}

// cut closes all connections if there has been the last read.
func (c *cutting) cut(reads int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= reads; c.left > 0 {
		return false
	}
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
	return true
}

type cutConn struct {
	net.Conn
	by *cutting
}

func (c cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.by.cut(1) {
		return 0, io.EOF
	}
	return n, err
}

// cutOff is an address that leads to another until its listener is cut.
func cutOff(t *testing.T, to string, after int) (addr string, c *cutting) {
	t.Helper()
	c = newCutting(t, after)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			from, err := c.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			// The end of one direction is passed on and the other goes on: the
			// embedded ClickHouse does not survive a close while it answers.
			done.Go(func() { _, _ = io.Copy(from, server); server.Close(); from.Close() })
			done.Go(func() {
				_, _ = io.Copy(struct{ io.Writer }{server}, from)
				_ = server.(*net.TCPConn).CloseWrite()
			})
		}
	})
	t.Cleanup(func() {
		c.Close()
		c.cut(after)
		done.Wait()
	})
	return c.Addr().String(), c
}

func TestClickHouseThatIsCutOffAtAnyStepOfTheStartIsWaitedFor(t *testing.T) {
	b := brokertest.Open(t)
	identity, err := b.EnsureTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end := warehousetest.Database(t).Config()
	for after := 1; ; after++ {
		cfg := end
		addr, _ := cutOff(t, end.Addr[0], after)
		cfg.Addr = []string{addr}
		w, err := openTables(t.Context(), identity, cfg, zerolog.Nop())
		if err == nil {
			t.Logf("the start takes %d requests", after-1)
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		if !mayPass(err) {
			t.Errorf("cut at request %d, the start ends for good: %v", after, err)
		}
	}
}

func TestABrokerThatIsCutOffAtAnyStepOfTheStartIsWaitedFor(t *testing.T) {
	start := func(after int) error {
		b, err := embedded.Start(t.TempDir(), embedded.Options{NoSync: true, Kafka: []kfake.Opt{
			kfake.ListenFn(func(string, string) (net.Listener, error) { return newCutting(t, after), nil }),
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		client, err := broker.Open(broker.Config{Brokers: []string{b.Addr()}}, kgo.RetryTimeout(100*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		r := (&Engines{}).newRoles(t.Context(), client, zerolog.Nop())
		_, err = r.ensureTopics(t.Context())
		return err
	}
	for after := 1; ; after++ {
		err := start(after)
		if err == nil {
			t.Logf("the start takes %d reads", after-1)
			return
		}
		if !mayPass(err) {
			t.Errorf("cut at read %d, the start ends for good: %v", after, err)
		}
	}
}

func TestARoleThatCannotStartSaysSoUntilItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		s := newSupervisor(t.Context(), zerolog.New(&said), nil)
		s.startWithin = 10 * time.Second
		begun, finished := time.Now(), false
		s.Go("works", func(ctx context.Context, running func()) error {
			defer func() { finished = true }()
			return works(ctx, running)
		})
		s.Go("waits", func(context.Context, func()) error { return errPasses })
		<-s.Context().Done()
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("given up after %s, want the limit", took)
		}
		err := s.Stop()
		if !errors.Is(err, errPasses) || !strings.HasPrefix(err.Error(), "waits: it could not start within 10s") || !strings.Contains(err.Error(), "--start-timeout") {
			t.Errorf("got %v, want the limit, the last error and the way out", err)
		}
		if !finished {
			t.Error("the other role was not waited for")
		}
		for _, want := range []string{`"role":"waits"`, `"error":"` + errPasses.Error(), `"waited":"7s"`, `"at_most":"10s"`, "cannot start yet"} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, said.String())
			}
		}
	})
}

func TestARoleThatHangsAtItsStartIsEndedAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		s.startWithin = 10 * time.Second
		s.Go("hangs", func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return ctx.Err()
		})
		<-s.Context().Done()
		if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "within 10s") {
			t.Errorf("got %v", err)
		}
	})
}

func TestARoleThatHasRunIsRestartedWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		s.startWithin = 10 * time.Second
		ran := false
		s.Go("fails", func(_ context.Context, running func()) error {
			if !ran {
				ran = true
				running()
			}
			return errPasses
		})
		time.Sleep(time.Hour)
		if s.Context().Err() != nil {
			t.Error("the role was given up")
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWrongSettingsEndTheStartAtOnce(t *testing.T) {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(untrusted.Close)
	tls := warehouse.TLS{Enabled: true}
	for name, cfg := range map[string]warehouse.Config{
		"certificate":  {Addr: []string{untrusted.Listener.Addr().String()}, TLS: tls},
		"TLS on plain": {Addr: []string{httpServer(t)}, TLS: tls},
		"port of HTTP": {Addr: []string{httpServer(t)}},
	} {
		if _, err := openTables(t.Context(), broker.LogIdentity{}, cfg, zerolog.Nop()); err == nil || mayPass(err) {
			t.Errorf("%s: waited for after %v", name, err)
		}
	}
	for _, err := range []error{&clickhouse.Exception{Code: 516}, &clickhouse.Exception{Code: 193}, &clickhouse.Exception{Code: 192}, kerr.SaslAuthenticationFailed} {
		if mayPass(fmt.Errorf("open: %w", err)) {
			t.Errorf("waited for after %v", err)
		}
	}
}

// httpServer is the address of a server that answers as ClickHouse's port of
// HTTP does to bytes that are no request.
func httpServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, "HTTP/1.0 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); done.Wait() })
	return l.Addr().String()
}
