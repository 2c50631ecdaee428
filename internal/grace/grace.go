// Package grace lets work outlive its context for a while, so that what was
// begun before a stop can be finished.
package grace

import (
	"context"
	"time"
)

// Stop is how long each step of a stop may take: to have the broker acknowledge
// what was sent, to store the batches in flight, to commit. It is well below
// the ten seconds after which a container's runtime kills. What is not finished
// then is done again after the next start.
const Stop = 3 * time.Second

// Context returns a context that keeps ctx's values and ends d after ctx, or
// when cancel is called. Cancel releases what the context holds and has to be
// called.
func Context(ctx context.Context, d time.Duration) (longer context.Context, cancel context.CancelFunc) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			end()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); end() }
}
