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
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, kerr.OffsetOutOfRange) {
			r.outOfRange(ctx, topicPartition{e.Topic, e.Partition})
		}
	}
	r.readOn()
	return fetches
}

// outOfRange begins to look for what is missing of a partition whose next offset
// the log does not hold. Meanwhile it is not read, and the other partitions are.
func (r *run) outOfRange(ctx context.Context, tp topicPartition) {
	r.mu.Lock()
	o := r.owned[tp]
	if o == nil || o.searching {
		r.mu.Unlock()
		return
	}
	o.searching = true
	position := o.next
	r.mu.Unlock()
	r.cl.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
	r.goroutines.Go(func() error {
		next, err := r.recordGap(ctx, tp, position)
		if err != nil {
			if ctx.Err() != nil {
				return nil // it stops: the next start finds the gap again
			}
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
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
// or up to its commit where position is 0, and returns where to go on.
func (r *run) recordGap(ctx context.Context, tp topicPartition, position int64) (next int64, err error) {
	var gaps []broker.Gap
	step := fmt.Sprintf("look up which offsets topic %s-%d holds", tp.topic, tp.partition)
	err = r.retry(ctx, step, waitForCommit, func() error {
		if position == 0 {
			commits, err := r.side.CommittedOffsets(ctx, r.group, tp.topic)
			if err != nil {
				return err
			}
			position = commits[tp.partition].Offset
		}
		extent, err := r.side.Extent(ctx, tp.topic)
		if err != nil {
			return err
		}
		next = position
		if g, missing := extent.Gap(tp.partition, position); missing {
			next, gaps = extent.Starts[tp.partition], []broker.Gap{g}
		}
		return nil
	})
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
