package mirror_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

func newShop(t testing.TB) *warehousetest.Shop {
	t.Helper()
	return warehousetest.NewShop(t, brokertest.Options{Partitions: 4})
}

func shopAt(t testing.TB, tables warehouse.Config) *warehousetest.Shop {
	t.Helper()
	return warehousetest.NewShopAt(t, brokertest.Options{Partitions: 4}, tables)
}

// an is the n-th event of the test, of one of 50 products.
func an(n int) event.Event {
	return event.Event{
		ID: fmt.Sprintf("e%d", n), Type: event.TypeView, Timestamp: event.MillisOf(time.Now()) - event.Millis(n%1000),
		UserID: fmt.Sprintf("u%d", n%99), SessionID: "s", ProductID: fmt.Sprintf("p%d", n%50),
		ProductCategory: "shoes", Brand: "acme", Price: int64(n) * 100, HasPrice: n%3 > 0, Quantity: 1, Source: "test",
	}
}

// produce writes the events from..to-1.
func produce(s *warehousetest.Shop, from, to int) {
	s.Helper()
	var records []*kgo.Record
	for n := from; n < to; n++ {
		records = append(records, s.Event(an(n), time.Now()))
	}
	s.Produce(records...)
}

// gate is a loopback address in front of ClickHouse that can hold back what is
// sent to it, and be moved to another server.
type gate struct {
	ln     net.Listener
	mu     sync.Mutex
	target string
	shut   chan struct{} // not nil: closed when it opens again
	held   int           // how often something was held back
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

// gatedShop has a ClickHouse to itself, behind a gate, for tests that cut
// connections: a handshake that is cut ends the embedded ClickHouse four
// seconds later, in the middle of some other test.
func gatedShop(t testing.TB) (*warehousetest.Shop, *gate) {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	g := newGate(t, server.TCPAddr())
	return shopAt(t, warehouse.Config{Addr: []string{g.addr()}, User: embedded.User, Password: server.Credentials().Password}), g
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
		if shut != nil && n > 0 {
			g.held++
		}
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
	// The embedded ClickHouse does not survive a close while it answers.
	_ = out.(*net.TCPConn).CloseWrite()
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

// holds says whether something was held back.
func (g *gate) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held > 0
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
