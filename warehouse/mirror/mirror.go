package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/broker"
	"clickstream/internal/grace"
	"clickstream/warehouse"
)

// Defaults of a Config's empty fields.
const (
	defaultBatchRows  = batchBlocks * blockRows
	defaultBatchDelay = 500 * time.Millisecond
)

const (
	writers = 2
	// How long a partition that is revoked may wait for the batches in flight
	// that hold records of it. It is a part of the time that the group gives its
	// members. What is not stored then is read again.
	revokeGrace  = 5 * time.Second
	leaveTimeout = time.Second
	// How long one try to write invalid records may take before it is logged
	// and made again.
	tryTimeout = 10 * time.Second
)

// Config of a Mirror.
type Config struct {
	Broker    *broker.Client       // stays the caller's to close
	Warehouse *warehouse.Warehouse // migrated; it stays the caller's to close
	Tables    Tables               // in the place of Warehouse: a model of one
	Log       zerolog.Logger
	// A batch is stored when it has BatchRows rows, or BatchDelay after its
	// first record, but then not before a writer has nothing else to do.
	BatchRows  int
	BatchDelay time.Duration
}

// Mirror copies the log into the warehouse. Several may run at once, in one or
// many processes: they share the partitions.
type Mirror struct {
	cfg        Config
	stats      counters
	tryTimeout time.Duration // tests shorten it
}

// New checks cfg; it does not connect.
func New(cfg Config) (*Mirror, error) {
	if cfg.BatchRows == 0 {
		cfg.BatchRows = defaultBatchRows
	}
	if cfg.BatchDelay == 0 {
		cfg.BatchDelay = defaultBatchDelay
	}
	var errs []error
	if cfg.Warehouse != nil {
		cfg.Tables = clickHouse{cfg.Warehouse}
	}
	if cfg.Tables == nil {
		errs = append(errs, errors.New("mirror: a warehouse is needed"))
	}
	if cfg.BatchRows < 0 || cfg.BatchDelay < 0 {
		errs = append(errs, fmt.Errorf("mirror: batches of %d rows or %s: give positive numbers, or 0 for the defaults", cfg.BatchRows, cfg.BatchDelay))
	}
	if cfg.Broker == nil {
		errs = append(errs, errors.New("mirror: a broker is needed"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Mirror{cfg: cfg, tryTimeout: tryTimeout}, nil
}

// Run mirrors until ctx ends; then it stores and commits what it has read,
// within 3 seconds, or 6 where a ClickHouse that accepts connections does not
// answer, leaves its group, within one second more, and returns nil. It creates topics that are missing and
// refuses a log that is not the tables' own. Any other error is one
// that waiting does not help against. It may be called again afterwards, but
// not twice at once.
func (m *Mirror) Run(ctx context.Context) error {
	err := m.run(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		m.cfg.Log.Debug().Err(err).Msg("mirror: stopped with a batch in flight: it is read again")
		return nil
	}
	return fmt.Errorf("mirror: %w", err)
}

func (m *Mirror) run(ctx context.Context) error {
	// Not the group's client: it has to answer while partitions are handed over.
	side, err := m.cfg.Broker.Open(broker.ProducerOptions()...)
	if err != nil {
		return err
	}
	defer side.Close()
	// The work outlives ctx, so that batches in flight can be finished.
	graceful, stopWork := grace.Context(ctx, grace.Stop)
	defer stopWork()
	// What asks a broker that hangs is not always ended by its own context. A client
	// that is broken off cannot leave the group, so this comes after the 6 seconds
	// that a ClickHouse that does not answer may take.
	leaving, stopLeaving := grace.Context(ctx, 2*grace.Stop+leaveTimeout)
	defer stopLeaving()
	defer context.AfterFunc(leaving, side.BreakOff)()
	r := &run{Mirror: m, side: side, topics: m.cfg.Broker.Topics()}
	if err := r.prepare(ctx); err != nil {
		return err
	}

	g, work := errgroup.WithContext(graceful)
	reading, stopReading := context.WithCancel(work)
	defer stopReading()
	stopped := context.AfterFunc(ctx, stopReading)
	defer stopped()
	r.work, r.goroutines = work, g

	r.cl, err = m.cfg.Broker.Open(append(append(broker.ConsumerOptions(), gapOptions()...),
		kgo.ConsumerGroup(r.group),
		kgo.ConsumeTopics(r.topics.Events, r.topics.Alerts, r.topics.Rejected),
		// A partition changes hands only between two polls.
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(15*time.Second),
		kgo.HeartbeatInterval(2*time.Second),
		kgo.OnPartitionsAssigned(r.assigned),
		kgo.OnPartitionsRevoked(r.revoked),
		kgo.OnPartitionsLost(r.lost),
		// Less ahead than readers of a whole log: memory is for batches.
		kgo.FetchMaxBytes(2<<20),
		kgo.FetchMaxPartitionBytes(512<<10),
		broker.RecycledRecords(),
	)...)
	if err != nil {
		return err
	}
	defer r.leave()
	defer context.AfterFunc(leaving, r.cl.BreakOff)()

	var readErr error
	g.Go(func() error {
		// What was read before an error is stored all the same.
		readErr = r.read(reading)
		return nil
	})
	for range writers {
		g.Go(func() error { return r.write(work) })
	}
	g.Go(func() error { return r.commit(work) })
	err = g.Wait()
	if readErr != nil {
		return readErr
	}
	return err
}

// leave releases the partitions at once, if the broker answers.
func (r *run) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	// Without an answer the group notices by itself, later.
	_ = r.cl.Leave(ctx)
}

// run is one call of Run.
type run struct {
	*Mirror
	work       context.Context // ends when nothing more is to be stored
	goroutines *errgroup.Group // all that Run waits for
	side       *broker.Client  // looks things up and writes rejected records
	cl         *broker.Client  // the group's member
	topics     broker.Topics
	group      string       // of the mirrors of these tables
	partitions int32        // of the log
	rejected   atomic.Int32 // partitions of the rejected topic

	toWrite  chan *batch
	toCommit chan *batch   // in the order of their records
	wake     chan struct{} // holds a value when a block or a batch has become free
	blocks   blocks
	waiting  atomic.Int32 // steps that have failed and are tried again

	mu        sync.Mutex
	owned     map[topicPartition]*ownership
	free      []*batch // empty ones
	open      *batch   // takes the next records; nil where it has none yet
	flight    []*batch // handed over and not finished, in the order of their records
	busy      int      // handed over and not stored
	interrupt func()   // ends the poll that is under way
	found     []found  // where to read on after gaps that have been recorded
	failed    error    // what a callback of the group met
}

// prepare creates the topics and learns which log this is.
func (r *run) prepare(ctx context.Context) error {
	id, err := r.side.EnsureTopics(ctx)
	if err != nil {
		return err
	}
	var tables warehouse.TableSet
	err = r.retry(ctx, "look up which log the tables belong to", warehouse.Retriable, func() (err error) {
		if err = r.cfg.Tables.CheckLog(ctx, id); err != nil {
			return err
		}
		tables, err = r.cfg.Tables.TableSet(ctx)
		return err
	})
	if err != nil {
		return err
	}
	r.group = tables.Group(r.side)
	r.partitions = id.Partitions
	r.rejected.Store(id.RejectedPartitions)
	r.owned = make(map[topicPartition]*ownership)
	r.toWrite = make(chan *batch, maxBatches)
	r.toCommit = make(chan *batch, maxBatches)
	r.wake = make(chan struct{}, 1)
	r.blocks.most = maxBlocks
	r.interrupt = func() {}
	for range maxBatches {
		r.free = append(r.free, newBatch())
	}
	return nil
}

// awake lets the reader look again at what is free.
func (r *run) awake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
