package ingest

import (
	"net/http"
	"sync"
)

// limits bounds what the requests under way may hold (I3): the bytes of all, and
// the bytes and the number of requests of each client. A client is an address
// and, if there are several write keys, a write key; a single key is that of
// all clients.
type limits struct {
	bytes          int64 // of all requests
	clientBytes    int64 // of one client's
	clientRequests int

	mu      sync.Mutex
	taken   int64
	clients map[string]*holding
}

type holding struct {
	bytes    int64
	requests int
}

// claim is what one request holds.
type claim struct {
	limits  *limits
	clients []string
	bytes   int64
}

var (
	tooManyOfClient = &refusal{http.StatusTooManyRequests, "too many requests of this client are under way: send more events in each, and repeat this one later"}
	tooMuchOfClient = &refusal{http.StatusTooManyRequests, "the requests of this client that are under way take too much memory: repeat this one later"}
	tooMuch         = &refusal{http.StatusServiceUnavailable, "the requests under way take all the memory that they may: repeat this one later"}
)

// enter begins a request of the clients. The caller leaves.
func (l *limits) enter(clients ...string) (*claim, *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range clients {
		if h := l.clients[name]; h != nil && h.requests >= l.clientRequests {
			return nil, tooManyOfClient
		}
	}
	for _, name := range clients {
		if l.clients[name] == nil {
			l.clients[name] = &holding{}
		}
		l.clients[name].requests++
	}
	return &claim{limits: l, clients: clients}, nil
}

// grow takes n bytes more, before they are allocated, or releases -n bytes.
func (c *claim) grow(n int64) *refusal {
	l := c.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 && l.taken+n > l.bytes {
		return tooMuch
	}
	for _, name := range c.clients {
		if n > 0 && l.clients[name].bytes+n > l.clientBytes {
			return tooMuchOfClient
		}
	}
	l.taken += n
	c.bytes += n
	for _, name := range c.clients {
		l.clients[name].bytes += n
	}
	return nil
}

// leave ends the request and releases what it holds.
func (c *claim) leave() {
	c.grow(-c.bytes)
	l := c.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range c.clients {
		if l.clients[name].requests--; l.clients[name].requests == 0 {
			delete(l.clients, name)
		}
	}
}
