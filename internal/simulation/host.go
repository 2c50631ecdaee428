package simulation

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
)

// Host is the machine of one process. What is killed never reaches anything
// again. While a host is paused, what its process has sent waits in the network:
// the process itself goes on, because a bubble has one clock for all.
type Host struct {
	network *Network

	mu     sync.Mutex
	died   chan struct{}
	runs   chan struct{} // closed unless the host is paused
	paused bool
	dead   bool
}

// Host returns a new machine in the network.
func (n *Network) Host() *Host {
	h := &Host{network: n, died: make(chan struct{}), runs: make(chan struct{})}
	close(h.runs)
	return h
}

// Dial opens a connection; it has the form of kgo.Dialer's argument.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !h.pass(ctx.Done()) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}
	}
	return h.network.dial(ctx, h, network, addr)
}

// Kill ends the host for good.
func (h *Host) Kill() {
	h.mu.Lock()
	if !h.dead {
		h.dead = true
		close(h.died)
	}
	h.mu.Unlock()
	h.Cut()
}

// Cut breaks the connections that the host has now.
func (h *Host) Cut() { h.network.cut(func(l *link) bool { return l.host == h }) }

// Died is closed when the host is killed.
func (h *Host) Died() <-chan struct{} { return h.died }

// Pause holds up what the host sends and receives until Resume.
func (h *Host) Pause() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.paused {
		h.paused, h.runs = true, make(chan struct{})
	}
}

// Resume ends Pause.
func (h *Host) Resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paused {
		h.paused = false
		close(h.runs)
	}
}

// Pass waits while the host is paused, and says whether it is alive.
func (h *Host) Pass() bool { return h.pass(nil) }

// pass is Pass that ends with false when done is closed.
func (h *Host) pass(done <-chan struct{}) bool {
	for {
		h.mu.Lock()
		runs, paused := h.runs, h.paused
		h.mu.Unlock()
		select {
		case <-h.died:
			return false
		case <-done:
			return false
		default:
		}
		if !paused {
			return true
		}
		select {
		case <-h.died:
			return false
		case <-done:
			return false
		case <-runs:
		}
	}
}
