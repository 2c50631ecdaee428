package ingest

import (
	"context"
	"time"
)

// stopGrace is how long a stop waits for the broker to answer what is under way.
const stopGrace = 3 * time.Second

// outlive returns a context that ends grace later than ctx, so that what was
// begun before the stop can be finished.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
