package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/simulation"
	"clickstream/warehouse"
	"clickstream/warehouse/mirror"
)

// world is one run: a log, tables, instances and a load.
type world struct {
	simulation.Journal

	t        *testing.T
	options  options
	network  *simulation.Network
	cluster  *simulation.Cluster
	server   *server
	truth    *truth
	commits  commits
	load     *load
	observer *broker.Client // its host meets no faults of its own

	instances simulation.Instances
	guards    sync.WaitGroup
	endGuard  context.CancelFunc
	expelled  int
	batchRows int
	mu        sync.Mutex
	ends      int // of instances by themselves
	committed int // tries to commit that were checked
	faults    int // that came
}

// options change what a run is about.
type options struct {
	faults   func(*world) []simulation.Fault // those that may come
	phases   int                             // each ends with a quiet point
	in       int                             // how many faults in each
	noFsync  bool
	tablesOf func(mirror.Tables) mirror.Tables // wraps an instance's tables
}

// run is a simulation in which nothing may be wrong.
func run(o options) func(t *testing.T, seed uint64) {
	return func(t *testing.T, seed uint64) {
		t.Helper()
		w := simulate(t, seed, o)
		w.Report(t)
		t.Log(w.figures())
	}
}

// simulate is one run.
func simulate(t *testing.T, seed uint64, o options) *world {
	t.Helper()
	w := newWorld(t, seed, o)
	defer w.end()
	plan := simulation.Random(seed, "plan")
	for range 1 + plan.IntN(3) {
		w.instances.Start()
	}
	for phase := range o.phases {
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
	w := &world{t: t, options: o, network: simulation.NewNetwork(), server: newServer(simulation.Random(seed, "tables")), truth: newTruth()}
	w.instances = simulation.Instances{Network: w.network, Run: w.runInstance, Say: w.Sayf, Wrong: w.Errorf}
	w.server.fsync = !o.noFsync
	w.batchRows = []int{20, 100, 500, 4000}[draw.IntN(4)]
	var err error
	w.cluster, err = simulation.StartCluster(w.network, 1+draw.IntN(3))
	if err != nil {
		t.Fatal(err)
	}
	partitions := 1 + draw.Int32N(4)
	w.observer = w.client(w.network.Host(), "observer", partitions)
	if _, err := w.observer.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.commits.watch(w); err != nil {
		t.Fatal(err)
	}
	w.load = &load{producer: w.client(w.network.Host(), "load", partitions), truth: w.truth, draw: simulation.Random(seed, "load"), partitions: partitions}
	ctx, endGuard := context.WithCancel(context.WithoutCancel(t.Context()))
	w.guards.Go(func() { w.expelled = w.cluster.Guard(ctx, w.observer.Client, tableSet.Group(w.observer)) })
	w.endGuard = endGuard
	w.Sayf("seed %d: %d brokers, %d partitions, batches of %d rows", seed, len(w.cluster.Addrs()), partitions, w.batchRows)
	return w
}

func (w *world) client(h *simulation.Host, name string, partitions int32) *broker.Client {
	w.t.Helper()
	cl, err := w.connect(h, name, partitions)
	if err != nil {
		w.t.Fatal(err)
	}
	return cl
}

func (w *world) connect(h *simulation.Host, name string, partitions int32) (*broker.Client, error) {
	return broker.Open(broker.Config{Brokers: w.cluster.Addrs(), Partitions: partitions, Dial: h.Dial, Log: w.Logger(name)}, broker.ProducerOptions()...)
}

func (w *world) tableOf(topic string) string {
	topics := w.observer.Topics()
	return map[string]string{topics.Events: "event_log", topics.Alerts: "alert_log", topics.Rejected: "rejected_log"}[topic]
}

// phase runs a load with faults until a quiet point, and checks there.
func (w *world) phase(seed uint64, number int) {
	ctx, stop := context.WithCancel(w.t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		w.load.run(ctx)
	}()
	var may []simulation.Fault
	if w.options.in > 0 {
		may = w.options.faults(w)
	}
	simulation.Happen(simulation.Random(seed, fmt.Sprint("phase ", number)), may, w.options.in, w.Sayf)
	w.faults += w.options.in
	stop()
	<-loaded
	w.Sayf("quiet point %d: all faults are over, nothing is written", number)
	w.waitStored()
	if !w.Failed() {
		w.check(w.t.Context())
	}
}

const patience = 5 * time.Minute

// waitStored waits until all that is in the topics is committed.
func (w *world) waitStored() {
	end := time.Now().Add(patience)
	for {
		left, err := w.lag(w.t.Context())
		if err == nil && left == 0 {
			return
		}
		if time.Now().After(end) {
			w.Errorf("%s after the last fault %d offsets are not committed (%v)", patience, left, err)
			w.describe()
			return
		}
		time.Sleep(time.Second)
	}
}

// describe notes which member of the group has what.
func (w *world) describe() {
	ctx := w.t.Context()
	adm := kadm.NewClient(w.observer.Client)
	lags, err := adm.Lag(ctx, tableSet.Group(w.observer))
	if err != nil {
		w.Sayf("describe the group: %v", err)
		return
	}
	lags.Each(func(g kadm.DescribedGroupLag) {
		w.Sayf("the group is %s (%v)", g.State, g.Error())
		for _, m := range g.Members {
			assigned, _ := m.Assigned.AsConsumer()
			w.Sayf("member %s: %+v", m.MemberID, assigned)
		}
		for _, l := range g.Lag.Sorted() {
			w.Sayf("%s-%d: committed %d of %d to %d, member %v", l.Topic, l.Partition, l.Commit.At, l.Start.Offset, l.End.Offset, l.Member != nil)
		}
	})
}

// end stops everything, and waits until it has ended.
func (w *world) end() {
	w.instances.StopAll()
	w.endGuard()
	w.guards.Wait()
	w.load.producer.Close()
	w.observer.Close()
	w.cluster.Close()
	w.network.Close()
}

// figures say what the run was like.
func (w *world) figures() string {
	w.truth.mu.Lock()
	defer w.truth.mu.Unlock()
	return fmt.Sprintf("written: %v; %d faults, %d INSERTs, %d commits, %d gaps; all members expelled %d times, %d instances ended at their start",
		w.truth.kinds, w.faults, w.server.inserts, w.committed, len(w.server.gaps), w.expelled, w.ends)
}

// runInstance is a process with a mirror. That is started again when it has ended
// with an error, as the roles of an instance are: it may be that the broker or
// ClickHouse cannot be reached at its start, and never afterwards.
func (w *world) runInstance(ctx context.Context, i *simulation.Instance) {
	cl, err := w.connect(i.Host, i.Name, w.load.partitions)
	if err != nil {
		w.Errorf("%s: %v", i.Name, err)
		return
	}
	defer cl.Close()
	var reached mirror.Tables = tables{w.server, i.Host}
	if w.options.tablesOf != nil {
		reached = w.options.tablesOf(reached)
	}
	m, err := mirror.New(mirror.Config{Broker: cl, Tables: reached, Log: w.Logger(i.Name), BatchRows: w.batchRows, BatchDelay: 200 * time.Millisecond})
	if err != nil {
		w.Errorf("%s: %v", i.Name, err)
		return
	}
	for {
		before := m.Stats().Batches
		err := m.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		w.ended(i, err, m.Stats().Batches > before)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// ended notes that an instance has ended by itself.
func (w *world) ended(i *simulation.Instance, err error, worked bool) {
	w.mu.Lock()
	w.ends++
	w.mu.Unlock()
	_, retriable := warehouse.Retriable(err)
	if worked || !retriable && broker.Classify(err) != broker.Retriable {
		w.Errorf("%s ended by itself, after it had worked: %t: %v", i.Name, worked, err)
	}
	w.Sayf("%s ended: %v", i.Name, err)
}

// deleteRecords does what retention does: it deletes the records of a partition
// up to some offset, and by chance also such as are not stored yet.
func (w *world) deleteRecords(draw *rand.Rand) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	topic := w.observer.Topics().Events
	if draw.IntN(3) == 0 {
		topic = w.observer.Topics().Alerts
	}
	committed, err := w.observer.CommittedOffsets(ctx, tableSet.Group(w.observer), topic)
	if err != nil {
		return err
	}
	ends, err := w.observer.EndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	p := draw.Int32N(w.load.partitions)
	to := committed[p].Offset - int64(draw.IntN(3))
	if unread := ends[p] - committed[p].Offset; draw.IntN(2) == 0 && unread > 0 {
		to = committed[p].Offset + draw.Int64N(unread+1)
	}
	if to <= 0 {
		return errors.New("nothing is stored yet")
	}
	w.Sayf("records of %s-%d before offset %d are deleted, %d are stored", topic, p, to, committed[p].Offset)
	return w.deleteBefore(ctx, topic, p, to)
}

func (w *world) deleteBefore(ctx context.Context, topic string, partition int32, to int64) error {
	// What was asked for counts as deleted: the answer may be lost.
	w.truth.delete(place{w.tableOf(topic), strconv.Itoa(int(partition)), to})
	offsets := make(kadm.Offsets)
	offsets.AddOffset(topic, partition, to, -1)
	_, err := kadm.NewClient(w.observer.Client).DeleteRecords(ctx, offsets)
	return err
}
