// Package proxy stands between a program and its server, and breaks their
// connections on request.
package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// A Proxy listens on a loopback address and passes bytes on to its target. Its
// methods may be called by several goroutines at once.
type Proxy struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	refuse bool
	delay  time.Duration
	hold   chan struct{} // not nil while bytes wait; closed when they may go on
	links  map[*link]bool
}

// link is one connection to the proxy and the one to the target.
type link struct {
	client, server net.Conn
	deaf           bool // under Proxy.mu: the target's answers are thrown away
}

// Start listens on a free port.
func Start(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, target: target, links: make(map[*link]bool)}
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and waits until nothing runs any more.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Heal()
	p.Cut()
	p.work.Wait()
	return err
}

// Cut ends all connections. New ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.client.Close()
		l.server.Close()
	}
}

// Refuse accepts connections and closes them at once, until Heal. Those that
// there are end.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.Cut()
}

// Delay lets every piece of data wait for d, until Heal.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Hang passes on nothing in either direction, until Heal.
func (p *Proxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold == nil {
		p.hold = make(chan struct{})
	}
}

// Swallow throws away what the target answers on the connections that there
// are, so that it does its work and nobody learns of it. Heal ends them.
func (p *Proxy) Swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.deaf = true
	}
}

// Heal passes everything on again. Connections whose answers were swallowed end.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse, p.delay = false, 0
	if p.hold != nil {
		close(p.hold)
		p.hold = nil
	}
	for l := range p.links {
		if l.deaf {
			l.client.Close()
			l.server.Close()
		}
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.work.Go(func() { p.serve(client) })
		}
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	if refuse {
		return
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return // the client sees its connection end, as behind any proxy
	}
	defer server.Close()
	l := &link{client: client, server: server}
	p.mu.Lock()
	if p.closed || p.refuse {
		p.mu.Unlock()
		return
	}
	p.links[l] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	var requests sync.WaitGroup
	requests.Go(func() { p.pass(l, client, server, false) })
	p.pass(l, server, client, true)
	requests.Wait()
}

// pass copies bytes until one side ends; then it ends both.
func (p *Proxy) pass(l *link, from, to net.Conn, answers bool) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		delay, hold := p.delay, p.hold
		p.mu.Unlock()
		if hold != nil {
			<-hold
		}
		if delay > 0 {
			time.Sleep(delay)
		}
		p.mu.Lock()
		deaf := answers && l.deaf
		p.mu.Unlock()
		if n > 0 && !deaf {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
