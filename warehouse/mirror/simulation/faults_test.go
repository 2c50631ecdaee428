package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fault is one kind of what may go wrong.
type fault struct {
	name   string
	weight int
	// begin brings it about, and returns what ends it, or nil where it is over
	// at once.
	begin func(w *world, draw *rand.Rand) (end func())
}

// allFaults are those of a full simulation. Clocks cannot be set apart in a
// bubble: what a clock step changes here is the broker's receive times.
var allFaults = slices.Concat(instanceFaults, brokerFaults, tableFaults)

var instanceFaults = []fault{
	{"an instance is killed", 6, func(w *world, draw *rand.Rand) func() {
		if i := w.any(draw); i != nil {
			w.kill(i)
			return func() { w.start() }
		}
		return nil
	}},
	{"an instance is stopped", 3, func(w *world, draw *rand.Rand) func() {
		if i := w.any(draw); i != nil {
			w.stop(i)
			return func() { w.start() }
		}
		return nil
	}},
	{"an instance is added", 3, func(w *world, _ *rand.Rand) func() {
		if len(w.instances) >= 3 {
			return nil
		}
		added := w.start()
		return func() {
			if slices.Contains(w.instances, added) {
				w.stop(added)
			}
		}
	}},
	{"an instance is paused", 6, func(w *world, draw *rand.Rand) func() {
		i := w.any(draw)
		if i == nil {
			return nil
		}
		i.host.Pause()
		w.sayf("%s is paused", i.name)
		return func() {
			w.sayf("%s goes on", i.name)
			i.host.Resume()
		}
	}},
	{"an instance's connections are cut", 4, func(w *world, draw *rand.Rand) func() {
		if i := w.any(draw); i != nil {
			i.host.Cut()
		}
		return nil
	}},
}

var brokerFaults = []fault{
	{"a broker restarts", 4, func(w *world, draw *rand.Rand) func() {
		n := draw.IntN(len(w.cluster.Addrs()))
		w.cluster.Down(n)
		return func() { w.cluster.Up(n) }
	}},
	{"a broker's connections are cut", 3, func(w *world, draw *rand.Rand) func() {
		w.cluster.Cut(draw.IntN(len(w.cluster.Addrs())))
		return nil
	}},
	{"partitions get other leaders", 2, func(w *world, _ *rand.Rand) func() {
		w.cluster.ShufflePartitionLeaders()
		w.cluster.RehashCoordinators()
		return nil
	}},
	{"retention deletes records", 5, func(w *world, draw *rand.Rand) func() {
		if err := w.deleteRecords(draw); err != nil {
			w.sayf("nothing was deleted: %v", err)
		}
		return nil
	}},
	{"the broker's clock steps", 2, func(w *world, draw *rand.Rand) func() {
		w.load.step.Store(draw.Int64N(int64(2*time.Hour)) - int64(time.Hour))
		return func() { w.load.step.Store(0) }
	}},
	{"a request fails", 10, func(w *world, draw *rand.Rand) func() {
		f := requestFaults[draw.IntN(len(requestFaults))]
		f.Err = f.errs[draw.IntN(len(f.errs))]
		f.Count = 1 + draw.IntN(4)
		w.sayf("%d requests of kind %s are answered with %s", f.Count, f.Keys[0].Name(), f.Err.Message)
		handle := w.cluster.Fault(f.Fault)
		return handle.Remove
	}},
}

// requestFaults are answers that a real broker gives when partitions, their
// leaders or coordinators move, or replicas lag.
var requestFaults = []struct {
	kfake.Fault
	errs []*kerr.Error
}{
	{kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}}, []*kerr.Error{kerr.RequestTimedOut, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}}, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true}, []*kerr.Error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.NotCoordinator}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true}, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.UnknownMemberID}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.SyncGroup}, TopLevel: true}, []*kerr.Error{kerr.RebalanceInProgress, kerr.NotCoordinator}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}}, []*kerr.Error{kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.LeaderNotAvailable}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}}, []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut}},
	{kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}}, []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable}},
}

const powerCut = "ClickHouse's machine loses power"

var tableFaults = []fault{
	tableFaultOf(refuse, 6, 241, 252, 202, 1002, 243),
	tableFaultOf(partial, 7, 241, 252, 0),
	tableFaultOf(lostAnswer, 6, 0),
	tableFaultOf(hang, 4, 0),
	tableFaultOf(memory, 6, 241),
	tableFaultOf(slow, 2, 0),
	{powerCut, 4, func(w *world, _ *rand.Rand) func() { return w.server.cutPower() }},
}

func tableFaultOf(kind tableFaultKind, weight int, codes ...int) fault {
	return fault{"INSERTs meet " + string(kind), weight, func(w *world, draw *rand.Rand) func() {
		f := &tableFault{kind: kind, code: codes[draw.IntN(len(codes))], share: []float64{0.2, 0.5, 1}[draw.IntN(3)], rows: 100 + draw.IntN(200)}
		end := w.server.begin(f)
		return func() {
			end()
			w.sayf("%d INSERTs have met %s %d", f.hitCnt, kind, f.code)
		}
	}}
}

// moment is when something begins or ends.
type moment struct {
	at time.Duration
	do func()
}

// happen brings about the faults of a phase. When it returns all are over.
func (w *world) happen(draw *rand.Rand) {
	began := time.Now()
	length := 30*time.Second + time.Duration(draw.Int64N(int64(45*time.Second)))
	var moments []moment
	for n := range w.options.in {
		f, lasts := w.drawFault(draw), drawLength(draw)
		own := rand.New(rand.NewPCG(draw.Uint64(), uint64(n)))
		at := time.Duration(draw.Int64N(int64(length)))
		moments = append(moments, moment{at, func() {
			w.sayf("%s", f.name)
			w.faults++
			end := f.begin(w, own)
			if end != nil {
				moments = insertMoment(moments, moment{min(at+lasts, length), func() {
					w.sayf("over: %s", f.name)
					end()
				}})
			}
		}})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return int(a.at - b.at) })
	for len(moments) > 0 {
		next := moments[0]
		moments = moments[1:]
		time.Sleep(next.at - time.Since(began))
		next.do()
	}
	if rest := length - time.Since(began); rest > 0 {
		time.Sleep(rest)
	}
}

func insertMoment(moments []moment, m moment) []moment {
	at, _ := slices.BinarySearchFunc(moments, m, func(a, b moment) int {
		if a.at <= b.at {
			return -1
		}
		return 1
	})
	return slices.Insert(moments, at, m)
}

func (w *world) drawFault(draw *rand.Rand) fault {
	sum := 0
	for _, f := range w.options.faults {
		sum += f.weight
	}
	n := draw.IntN(sum)
	for _, f := range w.options.faults {
		if n -= f.weight; n < 0 {
			return f
		}
	}
	panic(fmt.Sprint("no fault for ", n))
}

// drawLength is how long a fault lasts: mostly for moments, at times longer than
// a member's session.
func drawLength(draw *rand.Rand) time.Duration {
	switch n := draw.IntN(100); {
	case n < 50:
		return time.Duration(draw.Int64N(int64(3 * time.Second)))
	case n < 85:
		return time.Duration(draw.Int64N(int64(20 * time.Second)))
	default:
		return time.Duration(draw.Int64N(int64(70 * time.Second)))
	}
}
