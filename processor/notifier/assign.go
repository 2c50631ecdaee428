package notifier

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/grace"
)

// assigned says where partitions are read that have become ours: at their
// commits. Without one that is as far back as an alert may be that is still to
// be notified; history is not read. The ledger has been read before.
func (m *member) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	ours := offsets[m.topics.Alerts]
	if len(ours) == 0 {
		return offsets, nil
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	extent, err := m.out.Extent(ctx, m.topics.Alerts)
	if err != nil {
		return nil, err
	}
	commits, err := m.out.CommittedOffsets(ctx, m.out.Group("notifier"), m.topics.Alerts)
	if err != nil {
		return nil, err
	}
	var recent broker.Offsets
	begin := make(map[int32]*partition, len(ours))
	for p := range ours {
		c, committed := commits[p]
		next, decided := c.Offset, decidedBefore(c)
		if !committed {
			if recent == nil {
				if recent, err = m.out.OffsetsSince(ctx, m.topics.Alerts, time.Now().Add(-m.cfg.MaxAge-longestWindow-time.Hour)); err != nil {
					return nil, err
				}
			}
			next, decided = recent[p], 0
		}
		if g, missing := extent.Gap(p, next); missing {
			m.cfg.Log.Warn().Msg("notifier: " + g.String() + ": alerts among them that had not been notified are not")
			next, decided = extent.Starts[p], 0
		}
		begin[p] = newPartition(next, decided)
	}
	var partitions []int32
	for p := range ours {
		partitions = append(partitions, p)
	}
	if err := m.catchUp(ctx, partitions...); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, part := range begin {
		m.partitions[p] = part
		// Where there is no commit, one of the same place says as much.
		m.committed[p] = part.commit()
		if c, committed := commits[p]; committed {
			m.committed[p] = c
		}
		ours[p] = kgo.NewOffset().At(part.next)
		m.ledger.own(ctx, p)
	}
	return offsets, nil
}

// revoked is called for partitions that another member will get, and when we
// leave. What is being sent is waited for, so that it is not sent twice.
func (m *member) revoked(ctx context.Context, _ *kgo.Client, gone map[string][]int32) {
	within, cancel := context.WithTimeout(ctx, grace.Stop)
	defer cancel()
	m.disown(within, gone[m.topics.Alerts])
}

// lost is called for partitions that are another member's already.
func (m *member) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m.disown(ended, gone[m.topics.Alerts])
}

func (m *member) disown(within context.Context, partitions []int32) {
	m.ledger.disown(within, partitions)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range partitions {
		delete(m.partitions, p)
		delete(m.committed, p)
	}
}

// catchUp returns when the ledger has been read up to where it ends now: the
// partitions, that of silences of rules, and the rule sets.
func (m *member) catchUp(ctx context.Context, partitions ...int32) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	if err := m.follower.catchUp(ctx, m.topics.Rules); err != nil {
		return fmt.Errorf("read the rule sets: %w", err)
	}
	if err := m.follower.catchUp(ctx, m.topics.Notifications, append(partitions, 0)...); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// ready makes sure, before a notice is sent, that its partition is ours and that
// no other instance has sent it: this one may have been paused.
func (m *member) ready(ctx context.Context, partition int32) error {
	if err := m.reached(stepSend); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	if err := m.mu.lockWithin(ctx); err != nil {
		return err
	}
	err := m.prove(ctx, partition)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	if err := m.follower.catchUp(ctx, m.topics.Notifications, partition); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// load reads an intent again.
func (m *member) load(ctx context.Context, partition int32, offset int64) (e broker.LedgerEntry, err error) {
	topic := m.topics.Notifications
	err = m.out.ReadLog(ctx, topic, broker.Offsets{partition: offset}, broker.Offsets{partition: offset + 1}, func(r *kgo.Record) error {
		if e, err = broker.ParseLedger(r); err == nil && r.Offset != offset {
			err = fmt.Errorf("offset %d of topic %s-%d does not hold an intent any more", offset, topic, partition)
		}
		return err
	})
	return e, err
}

// record writes a result to the ledger.
func (m *member) record(ctx context.Context, partition int32, e *broker.LedgerEntry) error {
	if err := m.reached(stepResult); err != nil {
		return err
	}
	r, err := broker.LedgerRecord(m.topics.Notifications, partition, e)
	if err != nil {
		return err
	}
	if err := m.out.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write to topic %s: %w", m.topics.Notifications, err)
	}
	return nil
}
