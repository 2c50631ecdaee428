package ingest

import (
	"context"
	"time"
)

// stopGrace is how long a stop waits for the broker to answer what is under way.
const stopGrace = 3 * time.Second

// Outlive returns a context that ends some seconds later than ctx, for those
// who append until ctx ends: what was begun before can be finished.
func Outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(stopGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
