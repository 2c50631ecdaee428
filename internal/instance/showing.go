package instance

import (
	"context"
	"sync"
	"time"
)

// look brings the description up to date with what a role says of itself, and says
// whether that has changed it.
type look func(shown *Description) bool

// lookEvery is how often a role is looked at.
const lookEvery = time.Second

// showing runs a role and publishes what it says of itself meanwhile.
func (r *Roles) showing(ctx context.Context, run func(context.Context) error, look look) error {
	watching, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.show(watching, look, lookEvery) })
	defer wg.Wait()
	defer stop()
	return run(ctx)
}

// show publishes, until ctx ends, what look finds whenever that has changed.
func (r *Roles) show(ctx context.Context, look look, every time.Duration) {
	for {
		r.mu.Lock()
		moved := look(&r.shown)
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
