package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault is one kind of what may go wrong.
type Fault struct {
	Name   string
	Weight int // how often it comes, against the others
	// Begin brings it about, and returns what ends it, or nil where it is over at
	// once.
	Begin func(draw *rand.Rand) (end func())
}

// Sayf notes what happens.
type Sayf func(format string, args ...any)

// moment is when something begins or ends.
type moment struct {
	at time.Duration
	do func()
}

// Happen brings about so many faults, which it draws from all that may come. When
// it returns, after 30 to 75 seconds, all are over.
func Happen(draw *rand.Rand, may []Fault, count int, say Sayf) {
	began := time.Now()
	length := 30*time.Second + time.Duration(draw.Int64N(int64(45*time.Second)))
	var moments []moment
	for n := range count {
		f, lasts := drawFault(draw, may), drawLength(draw)
		own := rand.New(rand.NewPCG(draw.Uint64(), uint64(n)))
		at := time.Duration(draw.Int64N(int64(length)))
		moments = append(moments, moment{at, func() {
			say("%s", f.Name)
			if end := f.Begin(own); end != nil {
				moments = insertMoment(moments, moment{min(at+lasts, length), func() {
					say("over: %s", f.Name)
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

// Often returns the faults with those of some names so weighted that most that come
// are of these.
func Often(faults []Fault, names ...string) []Fault {
	for i := range faults {
		if slices.Contains(names, faults[i].Name) {
			faults[i].Weight += 20
		}
	}
	return faults
}

func drawFault(draw *rand.Rand, may []Fault) Fault {
	sum := 0
	for _, f := range may {
		sum += f.Weight
	}
	n := draw.IntN(sum)
	for _, f := range may {
		if n -= f.Weight; n < 0 {
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

// Faults are those of the brokers and of what they answer.
func (c *Cluster) Faults(say Sayf) []Fault {
	return []Fault{
		{"a broker restarts", 4, func(draw *rand.Rand) func() {
			n := draw.IntN(len(c.addrs))
			c.Down(n)
			return func() { c.Up(n) }
		}},
		{"a broker hangs", 3, func(draw *rand.Rand) func() {
			n := draw.IntN(len(c.addrs))
			c.Hang(n)
			return func() { c.GoOn(n) }
		}},
		{"a broker's connections are cut", 3, func(draw *rand.Rand) func() {
			c.Cut(draw.IntN(len(c.addrs)))
			return nil
		}},
		{"partitions get other leaders", 2, func(*rand.Rand) func() {
			c.ShufflePartitionLeaders()
			c.RehashCoordinators()
			return nil
		}},
		{"a request fails", 10, func(draw *rand.Rand) func() {
			f := requestFaults[draw.IntN(len(requestFaults))]
			f.Err = f.errs[draw.IntN(len(f.errs))]
			f.Count = 1 + draw.IntN(4)
			say("%d requests of kind %s are answered with %s", f.Count, f.Keys[0].Name(), f.Err.Message)
			return c.Fault(f.Fault).Remove
		}},
	}
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
