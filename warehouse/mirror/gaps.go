package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// gapOptions have the client report an offset that the log does not hold, where
// it would go on elsewhere without a word. A partition without a commit is read
// from its first offset, so that what was cut off before it was ever read is
// reported too.
func gapOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumeStartOffset(kgo.NewOffset().At(0)),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
}

// found is where the reading of a partition goes on.
type found struct {
	topicPartition
	owner *ownership
	next  int64
}

// passOver begins to look for what is missing of the partitions whose next offset
// the log does not hold, and reads on where that has been recorded. It is called
// in a poll: no partition changes hands.
func (r *run) passOver(ctx context.Context, fetches kgo.Fetches) kgo.Fetches {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if stops(p.Err) {
			r.search(ctx, p)
		}
	})
	r.readOn()
	return fetches
}

// stops says whether err keeps a partition from being read on, and not the others.
func stops(err error) bool {
	_, lost := broker.LostEnd(err)
	return lost || errors.Is(err, kerr.OffsetOutOfRange) || err != nil && broker.Unreadable(err)
}

// search begins to look for what is missing of a partition whose next offset the
// log does not hold, or cannot be read, or whose end is lost. Meanwhile it is not read, and the other
// partitions are.
func (r *run) search(ctx context.Context, p kgo.FetchTopicPartition) {
	tp := topicPartition{p.Topic, p.Partition}
	r.mu.Lock()
	o := r.owned[tp]
	if o == nil || o.searching {
		r.mu.Unlock()
		return
	}
	o.searching = true
	position := o.next
	if n := len(p.Records); n > 0 {
		position = p.Records[n-1].Offset + 1
	}
	r.mu.Unlock()
	r.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
	r.goroutines.Go(func() error {
		next, err := r.recordGap(ctx, tp, position, p.Err)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			if ctx.Err() == nil && r.failed == nil { // else the next start finds the gap again
				r.failed = err
				r.interrupt() // what was read is stored
			}
			return nil
		}
		r.found = append(r.found, found{tp, o, next})
		r.interrupt()
		return nil
	})
}

// readOn has the client read on where gaps have been recorded.
func (r *run) readOn() {
	r.mu.Lock()
	all := r.found
	r.found = nil
	set := make(map[string]map[int32]kgo.EpochOffset)
	resume := make(map[string][]int32)
	for _, f := range all {
		f.owner.searching = false
		resume[f.topic] = append(resume[f.topic], f.partition)
		if r.owned[f.topicPartition] != f.owner {
			continue // the next owner begins at its commit
		}
		f.owner.next = f.next
		if set[f.topic] == nil {
			set[f.topic] = make(map[int32]kgo.EpochOffset)
		}
		set[f.topic][f.partition] = kgo.EpochOffset{Epoch: -1, Offset: f.next}
	}
	r.mu.Unlock()
	if len(all) > 0 {
		r.cl.SetOffsets(set)
		r.cl.ResumeFetchPartitions(resume)
	}
}

// recordGap records what is missing of a partition that was read up to position,
// or up to its commit where position is 0, and returns where to go on. The error
// cause keeps it from being read there.
func (r *run) recordGap(ctx context.Context, tp topicPartition, position int64, cause error) (next int64, err error) {
	var gaps []broker.Gap
	var unreadable error
	step := fmt.Sprintf("look up which offsets topic %s-%d holds", tp.topic, tp.partition)
	err = r.retry(ctx, step, waitForCommit, func() error {
		if position == 0 {
			commits, err := r.side.CommittedOffsets(ctx, r.group, tp.topic)
			if err != nil {
				return err
			}
			position = commits[tp.partition].Offset
		}
		if broker.Unreadable(cause) {
			g, pass := r.side.PassOver(tp.topic, tp.partition, position, cause)
			if !pass {
				unreadable = r.side.ReadError(ctx, tp.topic, tp.partition, position, cause)
				return nil
			}
			g, err := r.side.WithTopicID(ctx, g)
			next, gaps = g.To, []broker.Gap{g}
			return err
		}
		extent, err := r.side.Extent(ctx, tp.topic)
		if err == nil {
			err = extent.Missing(tp.partition)
		}
		if err != nil {
			return err
		}
		if g, lost := broker.LostEnd(cause); lost {
			g.TopicID = extent.TopicID
			next, gaps = max(g.From, extent.Starts[tp.partition]), []broker.Gap{g}
			return nil
		}
		next = position
		if g, missing := extent.Gap(tp.partition, position); missing {
			next, gaps = extent.Starts[tp.partition], []broker.Gap{g}
		}
		return nil
	})
	err = errors.Join(err, unreadable)
	if err != nil || len(gaps) == 0 {
		return next, err
	}
	var recorded []broker.Gap
	err = r.retry(ctx, "record that "+gaps[0].String(), warehouse.Retriable, func() (err error) {
		recorded, err = r.cfg.Tables.RecordGaps(ctx, "mirror", gaps)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, g := range recorded {
		r.cfg.Log.Warn().Msg("mirror: " + g.String() + ": this is recorded as a gap, which clickstream status shows until a person accepts it")
	}
	r.stats.add(func(s *Stats) { s.Gaps += int64(len(recorded)) })
	return next, nil
}
