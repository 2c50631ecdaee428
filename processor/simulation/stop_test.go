package simulation_test

import (
	"context"
	"slices"
	"testing"

	"clickstream/internal/simulation"
)

// A stop takes no longer than it may, whatever brokers and receivers do.
func TestAStopIsBoundedWhileBrokersHang(t *testing.T) {
	simulation.Seeds(t, 20, func(t *testing.T, seed uint64) {
		t.Helper()
		w := newWorld(t, seed, options{notify: true})
		for range 2 {
			w.instances.Start()
		}
		ctx, stop := context.WithCancel(t.Context())
		loaded := make(chan struct{})
		go func() {
			defer close(loaded)
			w.load.run(ctx)
		}()
		may := simulation.Often(slices.Concat(w.cluster.Faults(w.Sayf), w.instances.Faults(), w.receivers.faults(w.network, w.Sayf)),
			"a broker hangs", "an instance is stopped", "a receiver hangs")
		simulation.Happen(simulation.Random(seed, "hangs"), may, 30, w.Sayf)
		stop()
		<-loaded
		w.end()
		w.Report(t)
	})
}
