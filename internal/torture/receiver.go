package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"clickstream/internal/torture/recount"
)

// receiver is the webhook to which the instances send notices. It remembers
// every request, and some it answers with 500, breaks off or does not answer.
type receiver struct {
	addr   string
	server *http.Server
	done   chan struct{} // closed when the server has ended
	healed chan struct{} // closed when each request is answered with 204

	mu       sync.Mutex
	chance   chance
	received []recount.Received
	// Counts of what it did wrong.
	failed, brokenOff, hung int
}

// receiverLane is a lane of the seed that no other chance has.
const receiverLane = 1000

func startReceiver(ctx context.Context, seed uint64) (*receiver, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{
		addr: listener.Addr().String(), done: make(chan struct{}), healed: make(chan struct{}), chance: newChance(seed, receiverLane),
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(listener) // close ends it
	}()
	return r, nil
}

// heal ends the faults.
func (r *receiver) heal() { close(r.healed) }

func (r *receiver) close() error {
	err := r.server.Close()
	<-r.done
	return err
}

func (r *receiver) well() bool {
	select {
	case <-r.healed:
		return true
	default:
		return false
	}
}

// ServeHTTP panics to close a connection without an answer, as net/http has it.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // broken off before it was here
	}
	switch r.take(recount.Received{Key: req.Header.Get("Idempotency-Key"), Body: string(body)}) {
	case failing:
		w.WriteHeader(http.StatusInternalServerError)
	case breakingOff:
		panic(http.ErrAbortHandler)
	case hanging:
		select {
		case <-req.Context().Done():
		case <-r.healed:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// manner is what the receiver does with a request.
type manner int

const (
	answering manner = iota
	failing
	breakingOff
	hanging
)

// take remembers a request and decides what to do with it. One that is broken
// off was taken before.
func (r *receiver) take(request recount.Received) manner {
	r.mu.Lock()
	defer r.mu.Unlock()
	does := answering
	if kind := r.chance.IntN(100); !r.well() {
		switch {
		case kind < 12:
			does = failing
			r.failed++
		case kind < 20:
			does = breakingOff
			r.brokenOff++
		case kind < 22:
			does = hanging
			r.hung++
		}
	}
	request.Taken = does == answering || does == breakingOff
	r.received = append(r.received, request)
	return does
}

// requests are all that have come, in their order.
func (r *receiver) requests() []recount.Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// summary is the counts, in a sentence.
func (r *receiver) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, all := make(map[string]bool), 0
	for _, request := range r.received {
		if request.Taken {
			taken[request.Key] = true
			all++
		}
	}
	return fmt.Sprintf("the receiver got %d requests: it took %d notices and %d times one again, answered %d with 500, broke %d off and left %d without an answer",
		len(r.received), len(taken), all-len(taken), r.failed, r.brokenOff, r.hung)
}
