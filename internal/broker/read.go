package broker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadLog reads topic once from the from offsets up to (not including) the to
// offsets, without a group, and calls fn for each record, in order per
// partition, on the caller's goroutine. Read committed; control records are
// not passed on, nor are batches that the settings pass over. Partitions that to
// does not name are not read; one that from does not name, or that retention has
// cut beyond it, is read from its first record. It waits for records below to that
// have not been written yet, until ctx ends. An error of fn ends the reading and is returned as it is.
//
// A fetch is at most 4 MiB as compressed. fn may recycle a record that it needs no
// more (see RecycledRecords); one that it does not recycle it may keep.
func (c *Client) ReadLog(ctx context.Context, topic string, from, to Offsets, fn func(*kgo.Record) error) error {
	left, err := c.unread(ctx, topic, from, to)
	if err != nil || len(left) == 0 {
		return err
	}
	start := make(map[int32]kgo.Offset, len(left))
	for p, o := range left {
		start[p] = kgo.NewOffset().At(o)
	}
	cl, err := c.Open(append(ReaderOptions(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: start}),
		// To begin anywhere else than asked would be a silent gap.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(4<<20),
		kgo.FetchMaxPartitionBytes(512<<10),
		RecycledRecords(),
	)...)
	if err != nil {
		return err
	}
	defer cl.Close()

	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("read topic %s, %d partitions left: %w", topic, len(left), ctx.Err())
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			p, next := r.Partition, r.Offset+1 // fn may recycle it
			if _, reading := left[p]; !reading {
				continue
			}
			if r.Offset < to[p] && !r.Attrs.IsControl() {
				if err := fn(r); err != nil {
					return err
				}
			}
			// An aborted transaction's records are not seen, but the control
			// record after them is, so positions pass over them too.
			if next >= to[p] {
				delete(left, p)
				cl.PauseFetchPartitions(map[string][]int32{topic: {p}})
			} else {
				left[p] = next
			}
		}
		if err := cl.readOn(ctx, topic, fetches, left, to); err != nil {
			return err
		}
	}
	return nil
}

// readOn returns the error that keeps a partition from being read on, behind what
// was read before it, and passes over the batches that the settings name.
func (c *Client) readOn(ctx context.Context, topic string, fetches kgo.Fetches, left, to Offsets) error {
	for _, e := range fetches.Errors() {
		position, reading := left[e.Partition]
		switch {
		case Classify(e.Err) == Retriable:
			continue
		case e.Topic != topic || !Unreadable(e.Err):
			return fmt.Errorf("read topic %s-%d: %w", topic, e.Partition, e.Err)
		case !reading:
			continue // behind what is wanted of it
		}
		g, pass := c.PassOver(e.Topic, e.Partition, position, e.Err)
		switch {
		case !pass:
			return c.ReadError(ctx, e.Topic, e.Partition, position, e.Err)
		case g.To >= to[e.Partition]:
			delete(left, e.Partition)
			c.PauseFetchPartitions(map[string][]int32{e.Topic: {e.Partition}})
		default:
			left[e.Partition] = g.To
			c.SetPosition(e.Topic, e.Partition, g.To)
		}
	}
	return nil
}

// unread returns where to begin in each partition that has something to read. It
// waits for no other partitions.
func (c *Client) unread(ctx context.Context, topic string, from, to Offsets) (Offsets, error) {
	answered, err := c.AnsweredStarts(ctx, topic)
	starts, all := answered.Offsets, err == nil
	for p := range to {
		_, ok := starts[p]
		all = all && ok
	}
	if !all {
		if starts, err = c.StartOffsets(ctx, topic); err != nil {
			return nil, err
		}
	}
	left := make(Offsets)
	for p, end := range to {
		start, ok := starts[p]
		if !ok {
			return nil, fmt.Errorf("read topic %s: it has no partition %d", topic, p)
		}
		if begin := max(start, from[p]); begin < end {
			left[p] = begin
		}
	}
	return left, nil
}
