package instance

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/processor"
	"clickstream/processor/windows"
	"clickstream/warehouse"
)

func TestWhatTheProcessorDoesNotRememberIsPublished(t *testing.T) {
	r, dir := serve(t, brokertest.Config(t), warehouse.Config{}, "processor")
	published := func() Unremembered {
		d, err := Describe(dir)
		if err != nil {
			t.Fatal(err)
		}
		if d == nil || d.Unremembered == nil {
			return Unremembered{-1, -1}
		}
		return *d.Unremembered
	}
	testwait.Until(t, "the processor has published", func() bool { return published() == Unremembered{} })
	if err := r.Supervisor.Stop(); err != nil {
		t.Fatal(err)
	}
	var ids atomic.Int64
	ids.Store(3)
	stats := func() processor.Stats {
		return processor.Stats{Counts: windows.Counts{UnrememberedIDs: ids.Load(), UnrememberedProducts: 5}}
	}
	running := testwait.Run(t, func(ctx context.Context) error {
		r.show(ctx, showUnremembered(stats), time.Millisecond)
		return nil
	})
	testwait.Until(t, "both are published", func() bool { return published() == Unremembered{3, 5} })
	ids.Store(4)
	testwait.Until(t, "one more is published", func() bool { return published() == Unremembered{4, 5} })
	running.Stop()
}
