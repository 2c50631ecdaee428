package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Span is the time in which the windows begin that are asked for.
type Span struct {
	From, To *time.Time    // From included, To not; nil: no bound
	Longest  time.Duration // window of a rule
	Lateness time.Duration
}

// SpanOf is the span for rule sets.
func SpanOf(from, to *time.Time, sets []*rules.Set) Span {
	s := Span{From: from, To: to}
	for _, set := range sets {
		s.Lateness = max(s.Lateness, set.Lateness())
		for _, r := range set.Rules() {
			s.Longest = max(s.Longest, r.Window)
		}
	}
	return s
}

// from is the time from which on windows begin that are asked for.
func (s Span) from() event.Millis {
	if s.From == nil {
		return -endless
	}
	return event.MillisOf(*s.From)
}

// readFrom is the receive time of the first records that matter. An event counts
// in a window only if it was received at most event.FutureAfter before the window
// begins. A window's length before From begin the windows that say whether an
// episode had begun before, and there is an event of every window that ends after
// From and that a tick can have closed, so that the tick's meaning is known.
func (s Span) readFrom() event.Millis { return max(s.First()-event.FutureAfter, 0) }

// First is the time of the first events that matter.
func (s Span) First() event.Millis {
	// No event is of a time before 2000.
	return max(s.from()-event.Millis(s.Longest.Milliseconds()), 0)
}

// Closed is a watermark at which every window that was asked for has closed.
func (s Span) Closed() event.Millis {
	if s.To == nil {
		return endless
	}
	return event.MillisOf(*s.To) + event.Millis(s.Longest.Milliseconds())
}

// Last is a time that an event and its receive time have to reach, both, for the
// watermark to come to Closed.
func (s Span) Last() event.Millis {
	if s.To == nil {
		return endless
	}
	return s.Closed() + event.Millis(s.Lateness.Milliseconds())
}

// endless is later than every event.
const endless = event.Millis(1 << 50)

// Config is what a backtest needs.
type Config struct {
	Sets   []*rules.Set // each judges by itself
	Span   Span         // SpanOf these sets
	Zone   *time.Location
	Source Source
	// HashKey is the log's (broker.Client.HashKey), also where the source is not the log.
	HashKey event.HashKey
	// Progress, which may be nil, is called from several goroutines with the number
	// of records read and of those there are.
	Progress func(done, total int64)
}

// Run reads the source and returns what the sets would have raised. The error is
// that of the source, or says that ctx has ended.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if len(cfg.Sets) == 0 || cfg.Zone == nil || cfg.Source.Read == nil {
		return Result{}, errors.New("a backtest needs a rule set, a time zone and a source")
	}
	portions := slices.Clone(cfg.Source.Portions)
	// The largest first: then the workers end at about the same time.
	slices.SortFunc(portions, func(a, b Portion) int { return cmp.Compare(b.Records, a.Records) })
	total := int64(0)
	for _, portion := range portions {
		total += portion.Records
	}
	var next, done atomic.Int64
	var mu sync.Mutex
	all := newTally(cfg)
	read := func(records int64) {
		if now := done.Add(records); cfg.Progress != nil {
			cfg.Progress(min(now, total), total)
		}
	}
	workers, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), len(portions)) {
		workers.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(portions) {
					return nil
				}
				p := newPartition(cfg, portions[i], read)
				if err := cfg.Source.Read(ctx, portions[i], p); err != nil {
					return fmt.Errorf("backtest of partition %d: %w", portions[i].Partition, err)
				}
				p.finish()
				mu.Lock()
				all.add(p.tally)
				mu.Unlock()
			}
		})
	}
	if err := workers.Wait(); err != nil {
		return Result{}, err
	}
	return all.result(cfg), nil
}
