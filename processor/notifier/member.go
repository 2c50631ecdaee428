package notifier

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/grace"
)

// member is one membership of the group, from joining it to leaving it.
type member struct {
	*Notifier
	topics   broker.Topics
	in       *broker.Client // reads the alerts and commits
	out      *broker.Client // writes the ledger, and asks
	ledger   *ledger
	follower *follower
	group    broker.Member

	mu         lock // held by the loop and by the group's callbacks
	partitions map[int32]*partition
	committed  map[int32]broker.Commit // the last one
	alive      time.Time               // the group has taken a commit then
}

// lock is a mutex. Whoever holds a member's may wait for the broker: one waits for
// it no longer than one's context, and on a channel, as a simulation's time has it
// (testing/synctest).
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

// lockWithin is Lock that gives up when ctx has ended.
func (l lock) lockWithin(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Notifier) member(ctx context.Context) (err error) {
	m := &member{
		Notifier: n, topics: n.cfg.Broker.Topics(), ledger: newLedger(),
		mu: make(lock, 1), partitions: make(map[int32]*partition), committed: make(map[int32]broker.Commit),
	}
	n.ledger.Store(m.ledger)
	if m.out, err = n.cfg.Broker.Open(broker.ProducerOptions()...); err != nil {
		return err
	}
	defer m.out.Close()
	m.follower = newFollower(m.ledger, m.out, n.cfg.Log)
	// All end together: the first error is the member's.
	graceful, end := grace.Context(ctx, 2*grace.Stop)
	defer end()
	// What asks a broker that hangs is not always ended by its own context.
	defer context.AfterFunc(graceful, m.out.BreakOff)()
	group, working := errgroup.WithContext(graceful)
	stopping, stop := context.WithCancel(working)
	defer context.AfterFunc(ctx, stop)()
	group.Go(func() error { return m.follower.run(working) })
	for _, c := range n.clients {
		s := &sender{
			client: c, ledger: m.ledger, log: n.cfg.Log, giveUp: n.cfg.GiveUp, ready: m.ready, load: m.load, record: m.record,
		}
		group.Go(func() error { return s.run(stopping) })
	}
	group.Go(func() error {
		defer end()
		defer stop()
		return m.read(stopping, working, graceful)
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// read is the loop: it reads alerts until ctx ends. What it has begun then may
// take as long as working, and to leave the group as long as graceful.
func (m *member) read(ctx, working, graceful context.Context) (err error) {
	m.mu.Lock() // partitions may be ours before Open has returned
	m.in, err = m.cfg.Broker.Open(append(broker.ConsumerOptions(),
		kgo.ConsumerGroup(m.cfg.Broker.Group("notifier")),
		kgo.ConsumeTopics(m.topics.Alerts),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(time.Second),
		kgo.RebalanceTimeout(time.Minute),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		m.group.Assigned(),
		kgo.AdjustFetchOffsetsFn(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost),
	)...)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	defer context.AfterFunc(graceful, m.in.BreakOff)()
	defer func() {
		// Leaving revokes everything: what is being sent is waited for there.
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*grace.Stop)
		defer cancel()
		if left := m.in.Leave(leave); left != nil && !errors.Is(left, context.Canceled) {
			m.cfg.Log.Warn().Err(left).Msg("notifier could not leave its group: other members get its partitions after the session timeout")
		}
		m.disown(leave, m.ledger.ownedPartitions())
	}()
	forget := time.Now()
	for {
		poll, cancel := context.WithTimeout(ctx, forgetEvery)
		fetches := m.in.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err := m.fetched(working, fetches); err != nil {
			return err
		}
		if time.Since(forget) >= forgetEvery {
			forget = time.Now()
			if err := m.tidy(working); err != nil {
				return err
			}
		}
		m.in.AllowRebalance()
	}
}

// fetched takes the alerts of a poll, writes what they give rise to to the ledger,
// and commits.
func (m *member) fetched(ctx context.Context, fetches kgo.Fetches) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var unreadable []kgo.FetchError
	for _, f := range fetches.Errors() {
		switch class := broker.Classify(f.Err); {
		case class == broker.Retriable || class == broker.Canceled:
		case f.Topic == m.topics.Alerts && broker.Unreadable(f.Err):
			unreadable = append(unreadable, f) // behind what was read before it
		default:
			return fmt.Errorf("read topic %s-%d: %w", m.topics.Alerts, f.Partition, f.Err)
		}
	}
	type place struct {
		due
		partition int32
	}
	var dues []place
	p := &plan{ledger: m.ledger, clients: m.clients, maxAge: m.cfg.MaxAge, log: m.cfg.Log}
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		part := m.partitions[r.Partition]
		if part == nil {
			continue
		}
		part.next = r.Offset + 1
		if r.Attrs.IsControl() || r.Value == nil {
			continue
		}
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			continue // the mirror rejects it
		}
		if d, is := part.take(&a, r.Offset); is && p.open(&d) {
			dues = append(dues, place{d, r.Partition})
		}
	}
	if len(dues) > 0 {
		of := make(map[int32]bool)
		for i := range dues {
			of[dues[i].partition] = true
		}
		if err := m.catchUp(ctx, slices.Collect(maps.Keys(of))...); err != nil {
			return err
		}
		now := time.Now()
		for i := range dues {
			if err := p.decide(dues[i].partition, &dues[i].due, now); err != nil {
				return err
			}
		}
		if err := m.write(ctx, p.made); err != nil {
			return err
		}
	}
	if err := m.commit(ctx); err != nil {
		return err
	}
	return m.passOver(ctx, unreadable)
}

// write puts decisions on the ledger and returns when they are acknowledged.
func (m *member) write(ctx context.Context, made []decision) error {
	if len(made) == 0 {
		return nil
	}
	if err := m.reached(stepIntents); err != nil {
		return err
	}
	if err := m.prove(ctx, made[0].partition); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(made))
	for i := range made {
		var err error
		if records[i], err = broker.LedgerRecord(m.topics.Notifications, made[i].partition, &made[i].entry); err != nil {
			return err
		}
	}
	if err := m.out.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write to topic %s: %w", m.topics.Notifications, err)
	}
	for i := range made {
		m.ledger.apply(made[i].partition, records[i].Offset, &made[i].entry)
	}
	return m.reached(stepDecided)
}

// commit commits the partitions that have moved.
func (m *member) commit(ctx context.Context) error {
	commits := make(map[int32]broker.Commit)
	for n, p := range m.partitions {
		if c := p.commit(); c != m.committed[n] {
			commits[n] = c
		}
	}
	if len(commits) == 0 {
		return nil
	}
	if err := m.reached(stepCommit); err != nil {
		return err
	}
	if err := broker.CommitWithMetadata(ctx, m.in.Client, m.topics.Alerts, commits, m.group.Still()); err != nil {
		return err
	}
	maps.Copy(m.committed, commits)
	m.alive = time.Now()
	return nil
}

// prove returns when it is sure that the group has not taken the partition from
// us: a process that was paused does not know. It repeats the partition's last
// commit, which the group refuses then. The caller holds the lock.
func (m *member) prove(ctx context.Context, partition int32) error {
	c, ours := m.committed[partition]
	if !ours || time.Since(m.alive) < sessionTimeout/2 {
		return nil
	}
	last := map[int32]broker.Commit{partition: c}
	if err := broker.CommitWithMetadata(ctx, m.in.Client, m.topics.Alerts, last, m.group.Still()); err != nil {
		return err
	}
	m.alive = time.Now()
	return nil
}

// passOver goes on behind batches that cannot be read, if the settings say so.
func (m *member) passOver(ctx context.Context, unreadable []kgo.FetchError) error {
	for _, e := range unreadable {
		part := m.partitions[e.Partition]
		if part == nil {
			continue
		}
		g, pass := m.in.PassOver(e.Topic, e.Partition, part.next, e.Err)
		if !pass {
			return m.in.ReadError(ctx, e.Topic, e.Partition, part.next, e.Err)
		}
		m.cfg.Log.Warn().Msg("notifier: " + g.String())
		part.next = g.To
		m.in.SetPosition(e.Topic, e.Partition, g.To)
	}
	return nil
}

// tidy forgets what can no longer matter, and gives up the notices of receivers
// that nobody has named for long.
func (m *member) tidy(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.partitions {
		p.forget(time.Now().Add(-longestLateness - time.Hour))
	}
	return m.write(ctx, m.ledger.orphans(m.clients, time.Now().Add(-m.cfg.GiveUp)))
}
