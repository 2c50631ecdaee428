package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/grace"
	"clickstream/processor/windows"
)

// Config is what a Processor needs.
type Config struct {
	Broker *broker.Client // stays the caller's to close
	// CountFrom are the offsets from which Stats counts records; a partition
	// without one is counted from where this instance starts to read.
	CountFrom broker.Offsets
	// OnLeftOut, if set, is called for each record that Stats counts as late or
	// future, in order per partition and never concurrently: it must not block.
	// Copies of events that counted are late too once their windows have closed:
	// nobody remembers them then.
	OnLeftOut func(partition int32, offset int64, future bool)
	// OnAlert, if set, is called for each alert once its record is
	// acknowledged, in order per partition and never concurrently: it must not
	// block. An alert may come again after a restart.
	OnAlert func(event.Alert)
	// OnGaps, if set, is called with what retention has cut off the log before it
	// was read, or before the windows that it counts in had closed. It returns
	// when that is recorded: no partition is read on before. An error ends Run. A
	// gap may be reported again after a restart. Without OnGaps it is only logged.
	OnGaps func(ctx context.Context, gaps []broker.Gap) error
	Log    zerolog.Logger
}

// Processor reads the log as a member of the consumer group "processor", judges
// each window by the rule set that the log says (W8), and writes alerts and ticks.
// Run is called once; the other methods may be called from any goroutine.
type Processor struct {
	cfg      Config
	settings settings

	closings chan *closing
	ended    chan struct{} // closed when Run has returned
	tally    tally
}

// settings are what tests change.
type settings struct {
	now         func() time.Time // a monotonic clock, for quiet time alone
	askEvery    time.Duration
	lookEvery   time.Duration
	countsEvery time.Duration
	commitEvery time.Duration
	heartbeat   time.Duration
	// first is the rule set that judges the log from its beginning on.
	first *rules.Set
	// unclean ends Run as a killed process would: nothing is emitted or committed.
	unclean bool
}

// Pacing: alerts whose state has changed are emitted after each read (W4), which
// waits no longer than lookEvery for records; the counts of firing ones are
// brought up to date every countsEvery while they move. Offsets are committed
// every commitEvery, when something has changed. What is counted in between is a
// fetch: 3 MiB as compressed, some 50,000 events of several partitions, so
// that all cores have work. The client holds the next one meanwhile.
const (
	lookEvery   = 100 * time.Millisecond
	countsEvery = 10 * time.Second
	commitEvery = time.Second
	retryAfter  = time.Second
	fetchBytes  = 3 << 20
	// fetchPartitionBytes leaves room for six partitions in a fetch.
	fetchPartitionBytes = 512 << 10
	// sessionTimeout is how long the group waits for a member that was killed or
	// hangs: no alert of its partitions comes meanwhile. Kafka and Redpanda allow
	// no less, as they are configured by default.
	sessionTimeout = 6 * time.Second
	// leaveTimeout is for the last commit and the broker's answer. With what is
	// being written when the stop begins it is below ten seconds.
	leaveTimeout = grace.Stop + 2*time.Second
)

// New checks the config; it opens no connection.
func New(cfg Config) (*Processor, error) {
	if cfg.Broker == nil {
		return nil, errors.New("processor: no broker is given")
	}
	p := &Processor{
		cfg: cfg,
		settings: settings{
			now: time.Now, askEvery: askEvery, lookEvery: lookEvery, countsEvery: countsEvery, commitEvery: commitEvery, heartbeat: time.Second,
			first: rules.Default(),
		},
		closings: make(chan *closing),
		ended:    make(chan struct{}),
	}
	p.tally.read = make(map[int32]int64)
	p.tally.shown.Lag = -1
	return p, nil
}

// Run processes the partitions that the group assigns to it until ctx ends;
// then it emits what is due, commits and returns nil. The topics must exist. It
// waits for a broker that is unreachable.
func (p *Processor) Run(ctx context.Context) error {
	defer close(p.ended)
	var waiting []*closing
	for {
		s := &session{
			p: p, topics: p.cfg.Broker.Topics(), mu: newLock(), sets: newRuleSets(p.settings.first), opened: make(chan struct{}), parts: make(map[int32]*assigned), answers: make(chan *answer), closings: waiting,
		}
		err := s.run(ctx)
		waiting = s.closings
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			return errors.New("processor: the session ended by itself")
		case !errors.Is(err, errStartAgain) && !errors.Is(err, errUnknownSet) && broker.Classify(err) != broker.Retriable:
			return fmt.Errorf("processor: %w", err)
		}
		p.cfg.Log.Warn().Err(err).Msg("processor starts again from its last commit")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryAfter):
		}
	}
}

// errStartAgain ends a session whose offset is no longer on the log: the next
// session begins where the log does.
var errStartAgain = errors.New("the offset is no longer on the log")

// closing is one call of CloseWindows.
type closing struct {
	ends broker.Offsets
	done chan struct{}
}

// CloseWindows reads the whole log to its present end, appends to each
// partition the tick that closes all its open windows, reads that back, and
// returns when the alerts are acknowledged and committed. It is for an input
// that has ended and for the group's only instance: it waits until all
// partitions are assigned to it. Windows closed this way stay closed. It fails
// if Run ends meanwhile.
func (p *Processor) CloseWindows(ctx context.Context) error {
	ends, err := p.cfg.Broker.EndOffsets(ctx, p.cfg.Broker.Topics().Events)
	if err != nil {
		return fmt.Errorf("close windows: %w", err)
	}
	c := &closing{ends: ends, done: make(chan struct{})}
	select {
	case p.closings <- c:
	case <-p.ended:
		return errors.New("close windows: the processor has stopped")
	case <-ctx.Done():
		return fmt.Errorf("close windows: the processor does not take it up: %w", ctx.Err())
	}
	select {
	case <-c.done:
		return nil
	case <-p.ended:
		return errors.New("close windows: the processor stopped before they were closed")
	case <-ctx.Done():
		return fmt.Errorf("close windows: %w", ctx.Err())
	}
}

// Stats may be called at any time.
func (p *Processor) Stats() Stats {
	p.tally.mu.Lock()
	defer p.tally.mu.Unlock()
	return p.tally.shown
}

// tally is what outlives a session, and the copy of it that others may read.
type tally struct {
	// Used by whoever holds the session's lock.
	counts windows.Counts  // of partitions that are no longer assigned
	read   map[int32]int64 // up to where their records have been counted
	alerts int64

	mu    sync.Mutex
	shown Stats
}
