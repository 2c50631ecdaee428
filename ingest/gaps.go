package ingest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// begin says where partitions are read that have become ours: at their commits,
// or, without one, where the topic begins. What the topic no longer holds after a
// commit is reported before. It is called before the partitions are read. One that
// does not answer is read from there all the same: where that is not on the topic
// the member begins again.
func (n *Normaliser) begin(ctx context.Context, side *broker.Client, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	ours := offsets[n.topic]
	if len(ours) == 0 {
		return offsets, nil
	}
	extent, err := side.Extent(ctx, n.topic)
	if err != nil {
		return nil, err
	}
	var gaps []broker.Gap
	for _, p := range slices.Sorted(maps.Keys(ours)) {
		next := extent.Starts[p] // the topic may be much older than we are
		if committed := ours[p].EpochOffset().Offset; committed >= 0 {
			if g, missing := extent.Gap(p, committed); missing {
				gaps = append(gaps, g)
			} else {
				next = committed
			}
		}
		n.positions.set(p, next)
		ours[p] = kgo.NewOffset().At(next)
	}
	return offsets, n.recordGaps(ctx, gaps)
}

func (n *Normaliser) recordGaps(ctx context.Context, gaps []broker.Gap) error {
	for _, g := range gaps {
		n.cfg.Log.Warn().Msg("normaliser: " + g.String())
	}
	if len(gaps) == 0 || n.cfg.OnGaps == nil {
		return nil
	}
	return n.cfg.OnGaps(ctx, gaps)
}

// passOver goes on behind a batch that cannot be read, if the settings say so and
// once that is recorded.
func (w *normaliserWork) passOver(ctx context.Context, e kgo.FetchError) error {
	position := w.positions.of(e.Partition)
	g, pass := w.cl.PassOver(e.Topic, e.Partition, position, e.Err)
	if !pass {
		return w.cl.ReadError(ctx, e.Topic, e.Partition, position, e.Err)
	}
	g, err := w.cl.WithTopicID(ctx, g)
	if err == nil {
		err = w.recordGaps(ctx, []broker.Gap{g})
	}
	if err == nil {
		w.positions.set(e.Partition, g.To)
		w.cl.SetPosition(e.Topic, e.Partition, g.To)
	}
	return err
}

// positions are the offsets that are to be read next.
type positions struct {
	mu   sync.Mutex
	next map[int32]int64
}

func (p *positions) of(partition int32) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next[partition]
}

func (p *positions) set(partition int32, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = make(map[int32]int64)
	}
	p.next[partition] = next
}
