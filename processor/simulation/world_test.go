package simulation_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/simulation"
	"clickstream/processor"
	"clickstream/processor/windows"
)

// world is one run: a log, instances and a load.
type world struct {
	simulation.Journal

	t         *testing.T
	options   options
	network   *simulation.Network
	cluster   *simulation.Cluster
	instances simulation.Instances
	load      *load
	observer  *broker.Client // its host meets no faults of its own
	group     string
	receivers *receivers
	maxAge    time.Duration // of the notifiers
	giveUp    time.Duration
	silenced  []silence

	guards   sync.WaitGroup
	endGuard context.CancelFunc
	expelled int

	events, ticks, changes, alerts, final int // found by the last check
	notices, repeated                     int
}

// options change what a run is about.
type options struct {
	phases int // each ends with a quiet point
	faults int // in each
	// oneSet has the model judge everything by the first set that was put in force.
	oneSet bool
	// notify has each instance run a notifier too, and receivers that fail.
	notify bool
	// transport, if set, comes between notifiers and receivers.
	transport func(http.RoundTripper) http.RoundTripper
}

// simulate is one run.
func simulate(t *testing.T, seed uint64, o options) *world {
	t.Helper()
	w := newWorld(t, seed, o)
	defer w.end()
	for range 1 + simulation.Random(seed, "plan").IntN(3) {
		w.instances.Start()
	}
	for phase := range o.phases {
		if phase > 0 && o.notify {
			w.emitAgain(simulation.Random(seed, fmt.Sprint("again ", phase)))
		}
		w.phase(seed, phase)
		if w.Failed() {
			break
		}
	}
	return w
}

func newWorld(t *testing.T, seed uint64, o options) *world {
	t.Helper()
	draw := simulation.Random(seed, "world")
	w := &world{t: t, options: o, network: simulation.NewNetwork()}
	w.instances = simulation.Instances{Network: w.network, Run: w.runInstance, Say: w.Sayf, Wrong: w.Errorf}
	var err error
	w.cluster, err = simulation.StartCluster(w.network, 1+draw.IntN(3))
	if err != nil {
		t.Fatal(err)
	}
	partitions := 1 + draw.Int32N(4)
	w.observer = w.client("observer", partitions)
	if _, err := w.observer.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.observer.PutRulesInForce(t.Context(), sets[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	w.group = w.observer.Group("processor")
	w.load = &load{
		producer: w.client("load", partitions), draw: simulation.Random(seed, "load"), partitions: partitions,
		failed: func(err error) { w.Errorf("the simulation is wrong: %v", err) },
	}
	if err := w.receive(simulation.Random(seed, "notices")); err != nil {
		t.Fatal(err)
	}
	ctx, endGuard := context.WithCancel(context.WithoutCancel(t.Context()))
	w.guards.Go(func() { w.expelled = w.cluster.Guard(ctx, w.observer.Client, w.group) })
	if o.notify {
		w.guards.Go(func() { w.cluster.Guard(ctx, w.observer.Client, w.observer.Group("notifier")) })
	}
	w.endGuard = endGuard
	w.Sayf("seed %d: %d brokers, %d partitions", seed, len(w.cluster.Addrs()), partitions)
	return w
}

func (w *world) client(name string, partitions int32) *broker.Client {
	w.t.Helper()
	cl, err := w.connect(w.network.Host(), name, partitions)
	if err != nil {
		w.t.Fatal(err)
	}
	return cl
}

func (w *world) connect(h *simulation.Host, name string, partitions int32) (*broker.Client, error) {
	return broker.Open(broker.Config{Brokers: w.cluster.Addrs(), Partitions: partitions, Dial: h.Dial, Log: w.Logger(name)}, broker.ProducerOptions()...)
}

// runInstance is a process with a processor and a notifier. The processor is
// started again when it has ended with an error, as the roles of an instance are:
// it may be that the broker cannot be reached at its start, and never afterwards.
func (w *world) runInstance(ctx context.Context, i *simulation.Instance) {
	cl, err := w.connect(i.Host, i.Name, w.load.partitions)
	if err != nil {
		w.Errorf("%s: %v", i.Name, err)
		return
	}
	defer cl.Close()
	var roles sync.WaitGroup
	defer roles.Wait()
	roles.Go(func() { w.runNotifier(ctx, i, cl) })
	for ctx.Err() == nil {
		p, err := processor.New(processor.Config{Broker: cl, Log: w.Logger(i.Name)})
		if err != nil {
			w.Errorf("%s: %v", i.Name, err)
			return
		}
		err = p.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		if st := p.Stats(); st.Partitions > 0 || broker.Classify(err) != broker.Retriable {
			w.Errorf("%s ended by itself with %d partitions: %v", i.Name, st.Partitions, err)
		}
		w.Sayf("%s ended: %v", i.Name, err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// phase runs a load with faults until a quiet point, and checks there.
func (w *world) phase(seed uint64, number int) {
	ctx, stop := context.WithCancel(w.t.Context())
	var loaded sync.WaitGroup
	loaded.Go(func() { w.load.run(ctx) })
	loaded.Go(func() { w.changeRules(ctx, simulation.Random(seed, fmt.Sprint("rules ", number))) })
	may := slices.Concat(w.instances.Faults(), w.cluster.Faults(w.Sayf), w.logFaults())
	if w.options.notify {
		loaded.Go(func() { w.silence(ctx, simulation.Random(seed, fmt.Sprint("silences ", number))) })
		may = append(may, w.receivers.faults(w.network, w.Sayf)...)
	}
	simulation.Happen(simulation.Random(seed, fmt.Sprint("phase ", number)), may, w.options.faults, w.Sayf)
	stop()
	loaded.Wait()
	w.Sayf("quiet point %d: all faults are over, nothing is written", number)
	w.waitQuiet()
	if !w.Failed() {
		w.check(w.t.Context())
	}
	w.waitNotified()
}

func (w *world) logFaults() []simulation.Fault {
	return []simulation.Fault{{Name: "the broker's clock steps", Weight: 2, Begin: func(draw *rand.Rand) func() {
		w.load.step.Store(draw.Int64N(int64(20*time.Second)) - int64(10*time.Second))
		return func() { w.load.step.Store(0) }
	}}}
}

const (
	patience = 8 * time.Minute
	// quiet is longer than the last window is open: a future event that is not
	// counted as such may begin it so much later.
	quiet = time.Minute
)

// changeRules puts one of the sets in force again and again. A fault may leave a
// change half done; the next one finishes it.
func (w *world) changeRules(ctx context.Context, draw *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(3*time.Second + time.Duration(draw.Int64N(int64(15*time.Second)))):
		}
		set := sets[draw.IntN(len(sets))]
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		// Without the check of ApplyRules, so that changes beyond the sets that fit come too.
		err := w.load.producer.PutRulesInForce(within, set, time.Now())
		cancel()
		w.Sayf("rule set %s is put in force: %v", set.Hash()[:8], err)
	}
}

// waitQuiet waits until everything on the log is counted and its alerts are
// acknowledged, and nothing more has come for a while.
func (w *world) waitQuiet() {
	began, since := time.Now(), time.Now()
	var last broker.Offsets
	for time.Since(since) < quiet {
		ends, left, err := w.left(w.t.Context())
		if err != nil || left != 0 || !maps.Equal(last, ends) {
			last, since = ends, time.Now()
		}
		if time.Since(began) > patience+quiet {
			w.Errorf("%s after the last fault %d offsets are not counted, or ticks are still written (%v)", time.Since(began), left, err)
			w.describe()
			return
		}
		time.Sleep(time.Second)
	}
}

// describe notes which member of the group has what.
func (w *world) describe() {
	lags, err := kadm.NewClient(w.observer.Client).Lag(w.t.Context(), w.group)
	if err != nil {
		w.Sayf("describe the group: %v", err)
		return
	}
	lags.Each(func(g kadm.DescribedGroupLag) {
		w.Sayf("the group is %s (%v), members %d", g.State, g.Error(), len(g.Members))
		for _, l := range g.Lag.Sorted() {
			w.Sayf("%s-%d: committed %d, %s; the log ends at %d, a member has it: %t", l.Topic, l.Partition, l.Commit.At, l.Commit.Metadata, l.End.Offset, l.Member != nil)
		}
	})
}

// left is where the log ends, and how many of its offsets are not counted, or
// their alerts not acknowledged.
func (w *world) left(ctx context.Context) (ends broker.Offsets, left int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	topic := w.observer.Topics().Events
	if ends, err = w.observer.EndOffsets(ctx, topic); err != nil {
		return nil, 0, err
	}
	commits, err := w.observer.CommittedOffsets(ctx, w.group, topic)
	if err != nil {
		return nil, 0, err
	}
	for n, end := range ends {
		_, counted, _ := windows.AcknowledgedIn(commits[n].Metadata)
		left += end - counted
	}
	return ends, left, nil
}

// end stops everything, and waits until it has ended.
func (w *world) end() {
	w.instances.StopAll()
	w.receivers.close()
	w.endGuard()
	w.guards.Wait()
	w.load.producer.Close()
	w.observer.Close()
	w.cluster.Close()
	w.network.Close()
}

// figures say what the run was like.
func (w *world) figures() string {
	return fmt.Sprintf("%d events, %d ticks, %d changes of rules, %d versions of %d alerts, %d notices, %d tries more; all members expelled %d times",
		w.events, w.ticks, w.changes, w.alerts, w.final, w.notices, w.repeated, w.expelled)
}
