package instance

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/testwait"
	"clickstream/warehouse/warehousetest"
)

// hangingUp is a listener that behaves as a proxy without a broker behind it
// while it is shut: connections are accepted and closed.
type hangingUp struct {
	net.Listener
	mu      sync.Mutex
	shut    bool
	closed  int // connections that were closed at once
	serving []net.Conn
}

func (h *hangingUp) Accept() (net.Conn, error) {
	for {
		conn, err := h.Listener.Accept()
		if err != nil {
			return nil, err
		}
		h.mu.Lock()
		if !h.shut {
			h.serving = append(h.serving, conn)
			h.mu.Unlock()
			return conn, nil
		}
		h.closed++
		h.mu.Unlock()
		// It is read first: to close what holds unread bytes would reset the
		// connection, which is another error.
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = conn.Read(make([]byte, 4096))
		conn.Close()
	}
}

func (h *hangingUp) set(shut bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = shut
	if shut {
		for _, conn := range h.serving {
			conn.Close()
		}
		h.serving = nil
	}
}

func (h *hangingUp) closedAtOnce() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

func TestConnectionsThatAreClosedBeforeTheFirstAnswerEndNoRole(t *testing.T) {
	var h *hangingUp
	b, err := embedded.Start(t.TempDir(), embedded.Options{NoSync: true, Kafka: []kfake.Opt{
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			l, err := net.Listen(network, "127.0.0.1:0")
			h = &hangingUp{Listener: l}
			return h, err
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	roles := []string{"collector", "normaliser", "mirror", "processor"}
	r, dir := serve(t, broker.Config{Brokers: []string{b.Addr()}}, warehousetest.Database(t).Config(), roles...)
	for _, role := range roles {
		waitState(t, dir, role, Running)
	}
	accepts(t, dir)
	stored := func() (n uint64) {
		if err := r.tables.Conn().QueryRow(t.Context(), "SELECT count() FROM event_log").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	testwait.Until(t, "the event is stored", func() bool { return stored() == 1 })

	h.set(true)
	ended := func() bool {
		return slices.ContainsFunc(r.States(), func(s RoleState) bool { return s.State != Running || s.Restarts > 0 })
	}
	testwait.Until(t, "each client has tried several times", func() bool { return h.closedAtOnce() >= 50 || ended() })
	h.set(false)
	if ended() {
		t.Fatalf("a role has ended: %+v", r.States())
	}
	defer http.DefaultClient.CloseIdleConnections()
	testwait.Until(t, "the collector is ready", func() bool {
		answer, err := http.Get(strings.TrimSuffix(r.URL("collector"), "/v1/events") + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	accepts(t, dir)
	testwait.Until(t, "that event is stored too", func() bool { return stored() == 2 })
	testwait.Until(t, "the processor has read all", func() bool {
		s := r.Processor().Stats()
		return s.Partitions > 0 && s.Lag == 0
	})
}
