package processor

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// passOver goes on behind the batches that cannot be read, if the settings name
// them and once that is recorded: for every reader their records have not come.
// What was read before them has been taken.
func (s *session) passOver(ctx context.Context, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		p := s.parts[e.Partition]
		if p == nil || p.waiting != nil || e.Topic != s.topics.Events || !broker.Unreadable(e.Err) {
			continue
		}
		g, pass := s.out.PassOver(e.Topic, e.Partition, p.Offset(), e.Err)
		if !pass {
			return s.out.ReadError(ctx, e.Topic, e.Partition, p.Offset(), e.Err)
		}
		g, err := s.out.WithTopicID(ctx, g)
		if err != nil {
			return err
		}
		if err := s.recordGaps(ctx, []broker.Gap{g}, "its events count in no window"); err != nil {
			return err
		}
		p.Skip(g.To - 1)
		s.in.SetPosition(e.Topic, e.Partition, g.To)
	}
	return nil
}
