package ingest

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// begin says where partitions are read that have become ours: at their commits,
// or, without one, where the topic begins. What the topic no longer holds after a
// commit is reported before. It is called before the partitions are read.
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
		ours[p] = kgo.NewOffset().At(next)
	}
	for _, g := range gaps {
		n.cfg.Log.Warn().Msg("normaliser: " + g.String())
	}
	if len(gaps) > 0 && n.cfg.OnGaps != nil {
		if err := n.cfg.OnGaps(ctx, gaps); err != nil {
			return nil, err
		}
	}
	return offsets, nil
}
