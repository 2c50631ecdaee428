package mirror_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// deadline is how long a test waits for what has to happen.
const deadline = 40 * time.Second

// shop is a log and a warehouse of a test's own.
type shop struct {
	testing.TB
	topics broker.Topics
	wh     *warehouse.Warehouse
	cl     *broker.Client
	id     broker.LogIdentity
}

func newShop(t testing.TB) *shop {
	t.Helper()
	return newShopAt(t, warehousetest.Database(t).Config())
}

func newShopAt(t testing.TB, whCfg warehouse.Config) *shop {
	t.Helper()
	s := &shop{TB: t}
	cfg := brokertest.Config(t)
	cfg.Partitions = 4
	s.wh = warehousetest.MigratedAt(t, whCfg)
	s.topics = cfg.Topics()
	s.cl = brokertest.OpenAt(t, cfg, broker.ProducerOptions()...)
	var err error
	if s.id, err = s.cl.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// an is the n-th event of the test, of one of 50 products.
func an(n int) event.Event {
	return event.Event{
		ID: fmt.Sprintf("e%d", n), Type: event.TypeView, Timestamp: event.MillisOf(time.Now()) - event.Millis(n%1000),
		UserID: fmt.Sprintf("u%d", n%99), SessionID: "s", ProductID: fmt.Sprintf("p%d", n%50),
		ProductCategory: "shoes", Brand: "acme", Price: int64(n) * 100, HasPrice: n%3 > 0, Quantity: 1, Source: "test",
	}
}

func (s *shop) record(e event.Event) *kgo.Record {
	return &kgo.Record{
		Topic: s.topics.Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil), Timestamp: time.Now(),
		Partition: event.Partition(e.Key(), s.id.Partitions),
	}
}

// produce writes records and returns when they are acknowledged.
func (s *shop) produce(records ...*kgo.Record) {
	s.Helper()
	if err := s.cl.ProduceSync(s.Context(), records...).FirstErr(); err != nil {
		s.Fatal(err)
	}
}

// events writes the events from..to-1.
func (s *shop) events(from, to int) {
	s.Helper()
	var records []*kgo.Record
	for n := from; n < to; n++ {
		records = append(records, s.record(an(n)))
	}
	s.produce(records...)
}

type running struct {
	*mirror.Mirror
	stop  func() error // stops it and returns Run's error; may be called again
	ended func() error // waits until it ends by itself
}

// mirror runs one until it is stopped or the test is over.
func (s *shop) mirror(change ...func(*mirror.Config)) *running {
	s.Helper()
	cfg := mirror.Config{Broker: s.cl, Warehouse: s.wh, BatchRows: 500, BatchDelay: 50 * time.Millisecond}
	for _, c := range change {
		c(&cfg)
	}
	m, err := mirror.New(cfg)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	wait := sync.OnceValue(func() error { return <-done })
	stop := func() error { cancel(); return wait() }
	s.Cleanup(func() { stop() })
	return &running{m, stop, wait}
}

func (r *running) mustStop(t testing.TB) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// stored waits until the group has committed all that is in the topics; invalid
// of the log comes to the rejected topic before the log's offsets are.
func (s *shop) stored() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), deadline)
	defer cancel()
	for _, topic := range []string{s.topics.Events, s.topics.Alerts, s.topics.Rejected} {
		ends, err := s.cl.EndOffsets(ctx, topic)
		if err != nil {
			s.Fatal(err)
		}
		if err := s.cl.WaitCommitted(ctx, s.cl.Group("mirror"), topic, ends, nil, nil); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *shop) number(sql string) (n uint64) {
	s.Helper()
	if err := s.wh.Conn().QueryRow(s.Context(), sql).Scan(&n); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (s *shop) want(sql string, want uint64) {
	s.Helper()
	if got := s.number(sql); got != want {
		s.Errorf("%s: got %d, want %d", sql, got, want)
	}
}

func (s *shop) exec(sql string) {
	s.Helper()
	if err := s.wh.Conn().Exec(s.Context(), sql); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

// gate is a loopback address in front of ClickHouse that can hold back what is
// sent to it, and be moved to another server.
type gate struct {
	ln     net.Listener
	mu     sync.Mutex
	target string
	shut   chan struct{} // not nil: closed when it opens again
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

// ownClickHouse is an engine for one test, for those that cut connections: a
// handshake that is cut ends the embedded ClickHouse four seconds later, in the
// middle of some other test.
func ownClickHouse(t testing.TB) warehousetest.Endpoint {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return warehousetest.Endpoint{
		Addr: server.TCPAddr(), HTTPAddr: server.HTTPAddr(), Database: "clickstream",
		User: embedded.User, Password: server.Credentials().Password,
	}
}

func newGate(t testing.TB, target string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{ln: ln, target: target, conns: make(map[net.Conn]bool)}
	g.wg.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(in) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		g.open()
		g.cut()
		g.wg.Wait()
	})
	return g
}

func (g *gate) addr() string { return g.ln.Addr().String() }

func (g *gate) serve(in net.Conn) {
	defer in.Close()
	// A handshake is never cut in two.
	g.mu.Lock()
	g.conns[in] = true
	shut := g.shut
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		delete(g.conns, in)
		g.mu.Unlock()
	}()
	if shut != nil {
		<-shut
		return
	}
	g.mu.Lock()
	target := g.target
	g.mu.Unlock()
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	g.mu.Lock()
	g.conns[out] = true
	g.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(in, out); in.Close() })
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut != nil {
			<-shut
		}
		if n > 0 {
			if _, werr := out.Write(buf[:n]); werr != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	out.Close()
	wg.Wait()
	g.mu.Lock()
	delete(g.conns, out)
	g.mu.Unlock()
}

// close holds back everything that is sent from now on.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

func (g *gate) move(target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.target = target
}

// cut breaks all connections.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.Close()
	}
}
