package notifier

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
)

// follower reads the whole ledger and all rule sets into memory, and goes on as
// they grow.
type follower struct {
	ledger *ledger
	asks   *broker.Client
	log    zerolog.Logger

	mu       sync.Mutex
	position map[string]broker.Offsets // up to where each topic has been read
	moved    chan struct{}             // closed when a position has moved
}

func newFollower(l *ledger, asks *broker.Client, log zerolog.Logger) *follower {
	return &follower{ledger: l, asks: asks, log: log, position: make(map[string]broker.Offsets), moved: make(chan struct{})}
}

// run reads until ctx ends.
func (f *follower) run(ctx context.Context) error {
	topics := f.asks.Topics()
	from := make(map[string]map[int32]kgo.Offset)
	for _, topic := range []string{topics.Notifications, topics.Rules} {
		starts, err := f.asks.StartOffsets(ctx, topic)
		if err != nil {
			return err
		}
		f.set(topic, starts)
		from[topic] = make(map[int32]kgo.Offset)
		for p, start := range starts {
			from[topic][p] = kgo.NewOffset().At(start)
		}
	}
	cl, err := f.asks.Open(append(broker.ReaderOptions(), kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range fetches.Errors() {
			if broker.Classify(e.Err) != broker.Retriable {
				return fmt.Errorf("read topic %s-%d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				f.take(r)
			}
			if n := len(p.Records); n > 0 {
				f.set(p.Topic, broker.Offsets{p.Partition: p.Records[n-1].Offset + 1})
			}
		})
	}
}

// take takes a record of the ledger or of the rules. One that says nothing was
// deleted by hand, or is of a newer version.
func (f *follower) take(r *kgo.Record) {
	if r.Attrs.IsControl() || r.Value == nil {
		return
	}
	if r.Topic == f.asks.Topics().Rules {
		if strings.Contains(string(r.Key), " ") {
			return // the topic has more than sets; their keys are hashes
		}
		set, err := rules.Decode(r.Value)
		if err != nil {
			f.log.Warn().Err(err).Msg("a rule set that cannot be read: its rules notify")
			return
		}
		f.ledger.applyRules(set)
		return
	}
	e, err := broker.ParseLedger(r)
	if err != nil {
		f.log.Warn().Err(err).Msg("passed over")
		return
	}
	f.ledger.apply(r.Partition, r.Offset, &e)
}

func (f *follower) set(topic string, next broker.Offsets) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.position[topic] == nil {
		f.position[topic] = make(broker.Offsets)
	}
	maps.Copy(f.position[topic], next)
	close(f.moved)
	f.moved = make(chan struct{})
}

// catchUp returns when the topic has been read up to where it ends now, in the
// partitions, or in all where none is named.
func (f *follower) catchUp(ctx context.Context, topic string, partitions ...int32) error {
	ends, err := f.asks.AnsweredEnds(ctx, topic)
	if err != nil {
		return err
	}
	wanted := ends.Offsets
	if len(partitions) > 0 {
		wanted = make(broker.Offsets)
		for _, p := range partitions {
			if err := ends.Failed[p]; err != nil {
				return fmt.Errorf("ask where topic %s-%d ends: %w", topic, p, err)
			}
			wanted[p] = ends.Offsets[p]
		}
	} else if err := ends.Err(); err != nil {
		return err
	}
	for {
		f.mu.Lock()
		behind, moved := false, f.moved
		for p, end := range wanted {
			at, known := f.position[topic][p]
			behind = behind || !known || at < end
		}
		f.mu.Unlock()
		if !behind {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
