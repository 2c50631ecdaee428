package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// ownership is one time that a partition was ours, from its assignment until
// it was revoked or lost.
type ownership struct {
	// Under run.mu:
	leaving   bool  // it is revoked: nothing more is read of it, what was read may still be committed
	over      bool  // it is another's now, nothing is committed any more
	next      int64 // the offset after the last record that was read; 0 before the first
	searching bool  // for what is missing before the next record
	// member is the member of the group whose assignment had the partition last. One
	// that was paused joins again as another, and learns only then what it has lost.
	member string
}

// commit commits the offsets of stored batches in the order of their
// records, and frees the batches for reading.
func (r *run) commit(ctx context.Context) error {
	for b := range r.toCommit {
		select {
		case <-b.stored:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.commitBatch(ctx, b); err != nil {
			return err
		}
		close(b.finished)
		r.mu.Lock()
		r.flight = slices.DeleteFunc(r.flight, func(f *batch) bool { return f == b })
		r.free = append(r.free, b)
		r.mu.Unlock()
		r.awake()
	}
	return nil
}

// errNotOurs ends the tries to commit offsets of partitions that are not
// assigned any more. It says nothing about whether the broker answers.
var errNotOurs = errors.New("the partitions are not assigned any more")

func (r *run) commitBatch(ctx context.Context, b *batch) error {
	for _, topic := range []string{r.topics.Events, r.topics.Alerts, r.topics.Rejected} {
		if !b.holds(topic) {
			continue
		}
		step := fmt.Sprintf("commit %s %s", topic, b.ranges(topic))
		err := r.retry(ctx, step, waitForCommit, func() error { return r.commitTopic(ctx, b, topic) })
		if errors.Is(err, errNotOurs) {
			r.cfg.Log.Debug().Err(err).Msg("mirror: whoever gets the partitions reads the records again")
			continue
		}
		if err != nil {
			return err
		}
	}
	r.stats.add(func(s *Stats) { s.Batches++ })
	return nil
}

// commitTopic commits a batch's offsets of one topic. While the group rebalances
// the broker refuses them, also for partitions that stay ours: it tries again
// until they are committed or given up. Nothing else would commit them before
// the next record comes.
func (r *run) commitTopic(ctx context.Context, b *batch, topic string) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		// Looked up at every try: a partition that another member has got
		// meanwhile is not ours to commit.
		commits := r.commits(b, topic)
		if len(commits) == 0 {
			return errNotOurs
		}
		err := broker.CommitWithMetadata(ctx, r.cl.Client, topic, commits, func(member string) bool { return r.ownedBy(member, b, topic, commits) })
		switch broker.Classify(err) {
		case broker.None:
			r.stats.add(func(s *Stats) { s.stored(topic, commits) })
			return nil
		case broker.Fenced:
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (s *Stats) stored(topic string, commits map[int32]broker.Commit) {
	if s.Stored == nil {
		s.Stored = make(map[string]broker.Offsets)
	}
	if s.Stored[topic] == nil {
		s.Stored[topic] = make(broker.Offsets)
	}
	for p, c := range commits {
		s.Stored[topic][p] = c.Offset
	}
}

func waitForCommit(err error) (string, bool) {
	return "the broker is unreachable", broker.Classify(err) == broker.Retriable
}

func (r *run) commits(b *batch, topic string) map[int32]broker.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	commits := make(map[int32]broker.Commit)
	for tp, s := range b.spans {
		if tp.topic == topic && !s.owner.over {
			commits[tp.partition] = broker.Commit{Offset: s.next}
		}
	}
	return commits
}

// ownedBy says whether all partitions that are to be committed are still those of
// this member of the group.
func (r *run) ownedBy(member string, b *batch, topic string, commits map[int32]broker.Commit) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range commits {
		if owner := b.spans[topicPartition{topic, n}].owner; owner.over || owner.member != member {
			return false
		}
	}
	return true
}

// assigned begins the ownership of partitions. It is called after each join, when
// what the join took away is lost already: what is left has been assigned again.
func (r *run) assigned(_ context.Context, cl *kgo.Client, assigned map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, partitions := range assigned {
		if topic == r.topics.Events && slices.Max(append(partitions, 0)) >= r.partitions {
			r.failed = broker.SamePartitions(topic, r.partitions, slices.Max(partitions)+1)
			return
		}
		for _, p := range partitions {
			r.owned[topicPartition{topic, p}] = &ownership{}
		}
	}
	member, _ := cl.GroupMetadata()
	for _, o := range r.owned {
		o.member = member
	}
}

// revoked waits, not for long, until what was read of the partitions is stored
// and committed, so that their next owner need not repeat it. It does not wait
// for batches that hold nothing of them, nor while ClickHouse or the broker
// does not answer: the whole group waits with it.
func (r *run) revoked(ctx context.Context, _ *kgo.Client, revoked map[string][]int32) {
	if newest := r.newest(revoked); newest != nil && r.waiting.Load() == 0 {
		timeout := time.NewTimer(revokeGrace)
		defer timeout.Stop()
		select {
		case <-newest.finished:
		case <-timeout.C:
			r.cfg.Log.Warn().Msg("mirror: partitions go to another instance before all that was read of them is stored: it reads that again")
		case <-r.work.Done():
		case <-ctx.Done():
		}
	}
	r.lost(ctx, nil, revoked)
}

// newest ends the reading of partitions and returns the last batch under way that
// holds records of them, or nil.
func (r *run) newest(partitions map[string][]int32) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, numbers := range partitions {
		for _, n := range numbers {
			if o := r.owned[topicPartition{topic, n}]; o != nil {
				o.leaving = true
			}
		}
	}
	if r.open != nil && r.open.holdsAny(partitions) {
		r.seal()
	}
	for _, b := range slices.Backward(r.flight) {
		if b.holdsAny(partitions) {
			return b
		}
	}
	return nil
}

// lost ends ownerships at once.
func (r *run) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A batch holds records of one ownership of a partition only.
	if r.open != nil && r.open.holdsAny(lost) {
		r.seal()
	}
	for topic, partitions := range lost {
		for _, p := range partitions {
			tp := topicPartition{topic, p}
			if o := r.owned[tp]; o != nil {
				o.over = true
				delete(r.owned, tp)
			}
		}
	}
}
