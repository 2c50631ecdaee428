package simulation_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"clickstream/internal/simulation"
)

// allFaults are those of a full simulation. Clocks cannot be set apart in a
// bubble: what a clock step changes here is the broker's receive times.
func allFaults(w *world) []simulation.Fault {
	return slices.Concat(w.instances.Faults(), w.cluster.Faults(w.Sayf), logFaults(w), tableFaults(w))
}

func logFaults(w *world) []simulation.Fault {
	return []simulation.Fault{
		{Name: "retention deletes records", Weight: 5, Begin: func(draw *rand.Rand) func() {
			if err := w.deleteRecords(draw); err != nil {
				w.Sayf("nothing was deleted: %v", err)
			}
			return nil
		}},
		{Name: "the broker's clock steps", Weight: 2, Begin: func(draw *rand.Rand) func() {
			w.load.step.Store(draw.Int64N(int64(2*time.Hour)) - int64(time.Hour))
			return func() { w.load.step.Store(0) }
		}},
	}
}

func tableFaults(w *world) []simulation.Fault {
	return append([]simulation.Fault{
		tableFaultOf(w, refuse, 6, 241, 252, 202, 1002, 243),
		tableFaultOf(w, partial, 7, 241, 252, 0),
		tableFaultOf(w, lostAnswer, 6, 0),
		tableFaultOf(w, hang, 4, 0),
		tableFaultOf(w, memory, 6, 241),
		tableFaultOf(w, slow, 2, 0),
	}, powerCuts(w)...)
}

func powerCuts(w *world) []simulation.Fault {
	return []simulation.Fault{{Name: "ClickHouse's machine loses power", Weight: 4, Begin: func(*rand.Rand) func() { return w.server.cutPower() }}}
}

func tableFaultOf(w *world, kind tableFaultKind, weight int, codes ...int) simulation.Fault {
	return simulation.Fault{Name: "INSERTs meet " + string(kind), Weight: weight, Begin: func(draw *rand.Rand) func() {
		f := &tableFault{kind: kind, code: codes[draw.IntN(len(codes))], share: []float64{0.2, 0.5, 1}[draw.IntN(3)], rows: 100 + draw.IntN(200)}
		end := w.server.begin(f)
		return func() {
			end()
			w.Sayf("%d INSERTs have met %s %d", f.hitCnt, kind, f.code)
		}
	}}
}

// emptiedPartitions has a partition that has just been emptied get another leader.
func emptiedPartitions(w *world) []simulation.Fault {
	return []simulation.Fault{{Name: "an emptied partition gets another leader", Weight: 1, Begin: func(draw *rand.Rand) func() {
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		topic := w.observer.Topics().Events
		ends, err := w.observer.EndOffsets(ctx, topic)
		p := draw.Int32N(w.load.partitions)
		if err == nil && ends[p] > 0 {
			err = w.deleteBefore(ctx, topic, p, ends[p])
		}
		if err != nil {
			w.Sayf("nothing was deleted: %v", err)
		}
		w.cluster.ShufflePartitionLeaders()
		return nil
	}}}
}

// hangsAndStops are brokers that hang, and instances that are stopped meanwhile.
func hangsAndStops(w *world) []simulation.Fault {
	return simulation.Often(slices.Concat(tableFaults(w), w.cluster.Faults(w.Sayf), w.instances.Faults()), "a broker hangs", "an instance is stopped")
}
