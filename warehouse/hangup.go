package warehouse

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// hangupTimeout bounds how long the answer of a query that was broken off is
// read before its connection is closed.
const hangupTimeout = time.Second

// hangups are connections that close as a client should which breaks a query
// off: it sends nothing more and reads what is still answered, until the server
// closes. The embedded ClickHouse ends seconds after it has met a connection
// that was closed while it answered.
type hangups struct {
	dialer  net.Dialer
	timeout time.Duration // hangupTimeout, or a test's

	mu      sync.Mutex
	going   int
	waiting chan struct{} // not nil: wait was called; closed when none is going
}

// DialContext is for the options of both client libraries. Over TLS they connect
// by themselves: the embedded ClickHouse has none.
func (h *hangups) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := h.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	tcp, is := conn.(*net.TCPConn)
	if !is {
		return conn, nil
	}
	return &hangupConn{TCPConn: tcp, hangups: h}, nil
}

// begin runs what a Close leaves to do in the background. After wait it is done
// before begin returns: the client libraries may close a connection late.
func (h *hangups) begin(work func()) {
	h.mu.Lock()
	if h.waiting != nil {
		h.mu.Unlock()
		work()
		return
	}
	h.going++
	h.mu.Unlock()
	go func() {
		work()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.going--; h.going == 0 && h.waiting != nil {
			close(h.waiting)
		}
	}()
}

// wait returns when what begin has left in the background is done.
func (h *hangups) wait() {
	h.mu.Lock()
	if h.waiting == nil {
		h.waiting = make(chan struct{})
		if h.going == 0 {
			close(h.waiting)
		}
	}
	h.mu.Unlock()
	<-h.waiting
}

// hangupConn is a connection of hangups.
type hangupConn struct {
	*net.TCPConn
	hangups *hangups

	mu     sync.Mutex
	closed bool
	reads  sync.WaitGroup // that are under way; none begins after Close
}

func (c *hangupConn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Read is the connection's, until Close.
func (c *hangupConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	c.reads.Add(1)
	c.mu.Unlock()
	n, err := c.TCPConn.Read(p)
	c.reads.Done()
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	return n, err
}

// The deadlines of a connection that is closed are no one's but ours.

func (c *hangupConn) SetDeadline(t time.Time) error {
	return c.setDeadline(c.TCPConn.SetDeadline, t)
}

func (c *hangupConn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(c.TCPConn.SetReadDeadline, t)
}

func (c *hangupConn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(c.TCPConn.SetWriteDeadline, t)
}

func (c *hangupConn) setDeadline(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return set(t)
}

// Close ends reads and writes that are under way, and returns. The connection
// itself is closed when the server has closed it, or after hangupTimeout.
func (c *hangupConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	err := c.TCPConn.SetDeadline(time.Unix(1, 0))
	c.mu.Unlock()
	if err == nil {
		err = c.CloseWrite()
	}
	if err != nil { // the server has gone
		return c.TCPConn.Close()
	}
	c.hangups.begin(c.readRest)
	return nil
}

func (c *hangupConn) readRest() {
	c.reads.Wait()
	if c.TCPConn.SetReadDeadline(time.Now().Add(c.hangups.timeout)) == nil {
		_, _ = io.Copy(io.Discard, c.TCPConn)
	}
	_ = c.TCPConn.Close()
}
