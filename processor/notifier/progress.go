package notifier

import (
	"context"
	"time"

	"clickstream/internal/broker"
)

// Decided returns, for each partition of the alerts topic, the offset before which
// it is decided which notices are sent. Where nothing has been committed, no
// notifier has had anything to decide yet: each begins at least a window's length
// and an hour ago, and what is older is not its work.
func Decided(ctx context.Context, cl *broker.Client) (broker.Offsets, error) {
	topic := cl.Topics().Alerts
	done, err := cl.OffsetsSince(ctx, topic, time.Now().Add(-longestWindow-time.Hour))
	if err != nil {
		return nil, err
	}
	commits, err := cl.CommittedOffsets(ctx, cl.Group("notifier"), topic)
	if err != nil {
		return nil, err
	}
	for p, c := range commits {
		done[p] = decidedBefore(c)
	}
	return done, nil
}

// Waiting is how many notices are decided and not sent yet, of the partitions that
// are assigned to this notifier. It may be called at any time.
func (n *Notifier) Waiting() int {
	l := n.ledger.Load()
	if l == nil {
		return 0
	}
	return l.waiting()
}

// waiting counts the notices that are to be sent, of the partitions that are ours.
func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := 0
	for _, q := range l.queues {
		for p := range l.owned {
			if list := q.partitions[p]; list != nil {
				sum += list.Len()
			}
		}
	}
	return sum
}
