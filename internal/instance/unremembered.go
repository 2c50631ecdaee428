package instance

import (
	"context"
	"sync"
	"time"

	"clickstream/processor"
)

// Unremembered are the events that the role processor of one instance had no room
// to remember since it started. It counts them whether or not an alert says so.
type Unremembered struct {
	IDs      int64 `json:"ids"`      // counted, but a later copy counts again
	Products int64 `json:"products"` // not counted: too many other products came at that time
}

// unrememberedEvery is how often it is looked whether there are more.
const unrememberedEvery = time.Second

// runProcessor runs p and publishes what it has not remembered.
func (r *Roles) runProcessor(ctx context.Context, p *processor.Processor) error {
	watching, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.showUnremembered(watching, p.Stats, unrememberedEvery) })
	defer wg.Wait()
	defer stop()
	return p.Run(ctx)
}

// showUnremembered publishes, until ctx ends, what stats says is not remembered
// whenever that has changed.
func (r *Roles) showUnremembered(ctx context.Context, stats func() processor.Stats, every time.Duration) {
	for {
		s := stats()
		now := Unremembered{IDs: s.UnrememberedIDs, Products: s.UnrememberedProducts}
		r.mu.Lock()
		moved := r.shown.Unremembered == nil || *r.shown.Unremembered != now
		r.shown.Unremembered = &now
		r.mu.Unlock()
		if moved {
			r.changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}
