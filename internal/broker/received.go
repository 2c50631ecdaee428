package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Received returns when the first and the last record that a topic holds were
// received, of all partitions together, if it holds any.
func (c *Client) Received(ctx context.Context, topic string) (first, last time.Time, held bool, err error) {
	starts, err := c.StartOffsets(ctx, topic)
	if err != nil {
		return first, last, false, err
	}
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return first, last, false, err
	}
	seconds, befores := make(Offsets), make(Offsets)
	for p, end := range ends {
		if starts[p] < end {
			seconds[p], befores[p] = starts[p]+1, end-1
		}
	}
	look := func(r *kgo.Record) error {
		if !held || r.Timestamp.Before(first) {
			first = r.Timestamp
		}
		if !held || r.Timestamp.After(last) {
			last = r.Timestamp
		}
		held = true
		return nil
	}
	if err = c.ReadLog(ctx, topic, starts, seconds, look); err == nil {
		err = c.ReadLog(ctx, topic, befores, ends, look)
	}
	return first, last, held, err
}
