package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// commitWithin bounds a commit. It waits for a join of the group, which lasts as
// long as another member holds it up.
const commitWithin = 10 * time.Second

// commit is a commit under way. No alert waits for one.
type commit struct {
	acknowledged map[*assigned]int64 // what it holds, by partition
	cancel       context.CancelFunc
	done         chan struct{}
	err          error // read after done is closed
}

// startCommit begins to commit the partitions that have moved, unless a commit is
// under way: as they are where everything that changed is acknowledged, and else
// as they were when the last acknowledged alerts were written. It must follow emit
// before another record is taken.
func (s *session) startCommit(ctx context.Context, cl *kgo.Client, parts map[int32]*assigned) {
	if s.committing != nil {
		return
	}
	commits := make(map[int32]broker.Commit)
	c := &commit{acknowledged: make(map[*assigned]int64), done: make(chan struct{})}
	for n, a := range parts {
		switch now := a.Offset(); {
		case a.Rebuilding() || a.unread || a.unfinished.holdsCommit(a.Acknowledged()):
		case a.alerts == nil && a.Acknowledged() == now && now != a.committed:
			offset, metadata := a.Commit()
			commits[n] = broker.Commit{Offset: offset, Metadata: metadata}
			c.acknowledged[a] = now
		case a.readyAt > a.committed:
			commits[n] = a.ready
			c.acknowledged[a] = a.readyAt
		}
	}
	if len(commits) == 0 {
		return
	}
	ctx, c.cancel = context.WithTimeout(ctx, commitWithin)
	s.committing = c
	still := s.member.Still()
	go func() {
		defer s.wake.now()
		defer close(c.done)
		defer c.cancel()
		c.err = broker.CommitWithMetadata(ctx, cl, s.topics.Events, commits, still)
	}()
}

// takeCommit takes the result of the commit that was under way, if it has ended.
// One that fails is not an error while others may follow. One that the group
// refuses is no error either: another member emits the same alerts again.
func (s *session) takeCommit() error {
	c := s.committing
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
	default:
		return nil
	}
	s.committing = nil
	switch broker.Classify(c.err) {
	case broker.None:
		for a, offset := range c.acknowledged {
			a.committed = offset
		}
		return nil
	case broker.Fenced, broker.Retriable, broker.Canceled:
		s.p.cfg.Log.Debug().Err(c.err).Msg("processor could not commit; it will try again")
		return nil
	}
	return c.err
}

// endCommit waits for the commit under way, breaks it off when ctx ends, and
// takes its result. A commit that went on after its partitions have been given
// up could overwrite one of their next owner.
func (s *session) endCommit(ctx context.Context) error {
	if c := s.committing; c != nil {
		select {
		case <-c.done:
		case <-ctx.Done():
			c.cancel()
			<-c.done
		}
	}
	return s.takeCommit()
}

// abandonCommit breaks off the commit under way.
func (s *session) abandonCommit() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.endCommit(ended); err != nil {
		s.p.cfg.Log.Debug().Err(err).Msg("processor could not commit; whoever gets the partitions continues from the last commit")
	}
}
