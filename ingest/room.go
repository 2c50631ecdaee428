package ingest

import (
	"context"
	"sync"
	"sync/atomic"
)

// room is a number of bytes that several goroutines share: a weighted semaphore
// whose fast path takes no lock.
type room struct {
	size int64
	free atomic.Int64

	waiting atomic.Int32 // goroutines in wait
	mu      sync.Mutex
	changed chan struct{} // closed when enough is free again; made by a waiter
}

func newRoom(size int64) *room {
	r := &room{size: size}
	r.free.Store(size)
	return r
}

// take takes n bytes if they are free.
func (r *room) take(n int64) bool {
	if r.free.Add(-n) >= 0 {
		return true
	}
	r.give(n)
	return false
}

// wait takes n bytes, at most the room's size, as soon as they are free, or
// returns ctx's error.
func (r *room) wait(ctx context.Context, n int64) error {
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	for {
		// give reads changed after it has added to free, so changed is made
		// before take reads free.
		r.mu.Lock()
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		if r.take(n) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// give releases n bytes. Waiters are woken only when an eighth of the room is
// free: waking them for each record would make small batches.
func (r *room) give(n int64) {
	if free := r.free.Add(n); r.waiting.Load() == 0 || free < r.size/8 {
		return
	}
	r.mu.Lock()
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
	r.mu.Unlock()
}
