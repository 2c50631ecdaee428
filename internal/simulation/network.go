package simulation

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Network carries the connections of one simulation. It may be used by several
// goroutines at once.
type Network struct {
	virtual kfake.VirtualNetwork
	relays  sync.WaitGroup

	mu    sync.Mutex
	links map[*link]struct{}
	down  map[string]int // ports where nothing listens just now, and how often Down was called
	hung  map[string]*hang
}

// hang is one of a port that connections reach and nothing else.
type hang struct {
	times int           // how often Hang was called
	over  chan struct{} // closed when it is over
}

// NewNetwork returns a network on which nothing listens.
func NewNetwork() *Network {
	return &Network{links: make(map[*link]struct{}), down: make(map[string]int), hung: make(map[string]*hang)}
}

// Listen takes connections to an address of localhost, as net.Listen does.
func (n *Network) Listen(addr string) (net.Listener, error) { return n.virtual.Listen("tcp", addr) }

// Close cuts all connections and waits until nothing is carried any more.
func (n *Network) Close() {
	for _, l := range n.cut(func(*link) bool { return true }) {
		l.closing.Stop()
		l.forget()
	}
	n.relays.Wait()
}

// Down refuses connections to an address from now on, and cuts those it has.
func (n *Network) Down(addr string) {
	port := portOf(addr)
	n.mu.Lock()
	n.down[port]++
	n.mu.Unlock()
	n.CutAddress(addr)
}

// Up ends one Down.
func (n *Network) Up(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[portOf(addr)]--
}

// Hang has what listens at an address neither take nor give anything, as a
// process that is stopped: connections stay, and new ones are accepted.
func (n *Network) Hang(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	port := portOf(addr)
	if n.hung[port] == nil {
		n.hung[port] = &hang{over: make(chan struct{})}
	}
	n.hung[port].times++
}

// GoOn ends one Hang: what was sent meanwhile arrives.
func (n *Network) GoOn(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	port := portOf(addr)
	if n.hung[port].times--; n.hung[port].times == 0 {
		close(n.hung[port].over)
		delete(n.hung, port)
	}
}

// reaches waits while what a link leads to hangs, and says whether the link is
// still there.
func (n *Network) reaches(l *link) bool {
	for {
		n.mu.Lock()
		h := n.hung[l.port]
		n.mu.Unlock()
		if h == nil {
			return true
		}
		select {
		case <-l.done:
			return false
		case <-h.over:
		}
	}
}

// CutAddress cuts the connections to an address.
func (n *Network) CutAddress(addr string) {
	port := portOf(addr)
	n.cut(func(l *link) bool { return l.port == port })
}

func (n *Network) cut(which func(*link) bool) (cut []*link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		if which(l) {
			l.cut()
			cut = append(cut, l)
		}
	}
	return cut
}

func (n *Network) isDown(port string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down[port] > 0
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// dial opens a connection of a host.
func (n *Network) dial(ctx context.Context, h *Host, network, addr string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	port := portOf(addr)
	if n.isDown(port) {
		return nil, refused
	}
	far, err := n.virtual.DialContext(ctx, network, addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return nil, refused
	}
	near, inner := net.Pipe()
	l := &link{network: n, host: h, port: port, near: inner, far: far, done: make(chan struct{})}
	n.mu.Lock()
	n.links[l] = struct{}{}
	n.mu.Unlock()
	n.relays.Add(2)
	go n.carry(l, far, inner)
	go n.carry(l, inner, far)
	return conn{near}, nil
}

// latency is how long bytes travel. Without it a client that asks again at once
// would keep the bubble's clock from moving.
const latency = time.Millisecond

// carry copies one direction of a link until it is cut.
func (n *Network) carry(l *link, to, from net.Conn) {
	defer n.relays.Done()
	defer l.cut()
	buf := make([]byte, 8<<10)
	for {
		read, err := from.Read(buf)
		if err != nil {
			return
		}
		time.Sleep(latency)
		if !l.host.pass(l.done) || !n.reaches(l) {
			break
		}
		if _, err := to.Write(buf[:read]); err != nil {
			break
		}
	}
	if from != l.far {
		return
	}
	l.cut()
	// The broker learns nothing of it for a while, as where a machine fails: the
	// embedded one would never expel a member whose connection it finds closed
	// when it answers a join.
	for {
		if _, err := from.Read(buf); err != nil {
			return
		}
	}
}

// halfOpen is how long a broker keeps a connection that was cut.
const halfOpen = 2 * time.Minute

// link is one connection of a host.
type link struct {
	network   *Network
	host      *Host
	port      string
	near, far net.Conn
	once      sync.Once
	done      chan struct{}
	closing   *time.Timer // of far, after it was cut
}

func (l *link) cut() {
	l.once.Do(func() {
		close(l.done)
		l.near.Close()
		l.closing = time.AfterFunc(halfOpen, l.forget)
	})
}

// forget ends the broker's side of a link that was cut.
func (l *link) forget() {
	l.far.Close()
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	delete(l.network.links, l)
}

// conn is a host's end of a link. Its errors are those of TCP.
type conn struct{ net.Conn }

func (c conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, tcpError("read", err)
}

func (c conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, tcpError("write", err)
}

func tcpError(op string, err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
}
