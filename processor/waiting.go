package processor

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// waiting is what a partition waits with for a rule set that is not known here: a
// change that came since the sets were read, or one whose set is no longer in the
// rules topic. The other partitions are read on meanwhile.
type waiting struct {
	pending []*kgo.Record // from the change on; what follows is not fetched
	paused  bool
	tried   *broker.RuleSets // with which it could not go on
	err     error
	said    time.Time // when it was logged last
}

// takeRecords takes records of a partition in order, up to the first that it has to
// wait for, and gives the memory of the others back: a partition keeps nothing of
// them.
func (a *assigned) takeRecords(in *reading, records []*kgo.Record) {
	for i, r := range records {
		if err := in.take(a.Partition, r); err != nil {
			a.waiting = &waiting{pending: records[i:], tried: in.sets.known.Load(), err: err}
			return
		}
		r.Recycle()
	}
}

// goOn has the partitions that wait for a rule set go on, if the sets were read
// again meanwhile and theirs is among them.
func (s *session) goOn() {
	for n, a := range s.parts {
		w := a.waiting
		if w == nil {
			continue
		}
		if !w.paused {
			s.pause(n)
			w.paused = true
		}
		if known := s.sets.known.Load(); known != w.tried {
			a.waiting = nil
			if a.takeRecords(s.workers[0], w.pending); a.waiting == nil {
				s.resume(n)
				continue
			}
			a.waiting.paused, a.waiting.said = true, w.said
			a.sayWaiting(s.p)
		}
		s.sets.want()
	}
}

// sayWaiting logs that the rules topic was read and does not hold the set.
func (a *assigned) sayWaiting(p *Processor) {
	if w := a.waiting; time.Since(w.said) >= waitingEvery {
		w.said = time.Now()
		p.cfg.Log.Error().Err(w.err).Msg("processor waits with a partition of the log; it reads the others on")
	}
}
