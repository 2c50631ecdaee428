package processor

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/broker"
)

// share is what a poll has brought of one partition.
type share struct {
	partition *assigned // nil: it is not ours
	fetched   []kgo.FetchTopicPartition
	records   int
}

// leftOut is an event that Stats counts as late or future.
type leftOut struct {
	offset int64
	future bool
}

// take passes what was read to the partitions, on as many cores as there are
// workers, and returns when all of it is taken. The records of one partition are
// taken by one worker, in order. Partitions do not depend on each other: an error
// of one leaves the others as good as they were.
func (s *session) take(fetches kgo.Fetches) error {
	shares := s.shares(fetches)
	var next atomic.Int64
	work := func(in *reading) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(shares) {
				return nil
			}
			if err := s.takeShare(in, shares[i]); err != nil {
				return err
			}
		}
	}
	var others errgroup.Group
	for i := 1; i < min(len(s.workers), len(shares)); i++ {
		others.Go(func() error { return work(s.workers[i]) })
	}
	err := work(s.workers[0])
	if failed := others.Wait(); err == nil {
		err = failed
	}
	s.reportLeftOut()
	return err
}

// shares are what was read by partition, the largest first: then the workers end
// at about the same time.
func (s *session) shares(fetches kgo.Fetches) []*share {
	byPartition := make(map[int32]*share)
	var shares []*share
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		sh := byPartition[f.Partition]
		if sh == nil {
			sh = &share{partition: s.parts[f.Partition]}
			byPartition[f.Partition] = sh
			shares = append(shares, sh)
		}
		sh.fetched = append(sh.fetched, f)
		sh.records += len(f.Records)
	})
	slices.SortFunc(shares, func(a, b *share) int { return cmp.Compare(b.records, a.records) })
	return shares
}

// takeShare takes the records of one partition.
func (s *session) takeShare(in *reading, sh *share) error {
	for _, f := range sh.fetched {
		if err := s.readError(f); err != nil {
			return err
		}
		if sh.partition == nil {
			continue
		}
		if w := sh.partition.waiting; w != nil {
			w.pending = append(w.pending, f.Records...)
		} else {
			sh.partition.takeRecords(in, f.Records)
		}
	}
	return nil
}

// readError is the error of a fetch that waiting does not help against.
func (s *session) readError(f kgo.FetchTopicPartition) error {
	if f.Err == nil {
		return nil
	}
	switch class := broker.Classify(f.Err); {
	case broker.PositionLost(f.Err):
		return fmt.Errorf("read %s-%d: %w: %w", f.Topic, f.Partition, errStartAgain, f.Err)
	case f.Topic == s.topics.Events && broker.Unreadable(f.Err): // passOver follows
	case class == broker.Fatal || class == broker.Invalid:
		return fmt.Errorf("read topic %s-%d: %w", f.Topic, f.Partition, f.Err)
	}
	return nil
}

// reportLeftOut passes what the workers have left out to OnLeftOut.
func (s *session) reportLeftOut() {
	for n, a := range s.parts {
		for _, l := range a.leftOut {
			s.p.cfg.OnLeftOut(n, l.offset, l.future)
		}
		a.leftOut = a.leftOut[:0]
	}
}
