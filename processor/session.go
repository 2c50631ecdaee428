package processor

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/grace"
	"clickstream/processor/windows"
)

// session is one membership of the group, from joining it to leaving it. Its
// state is used by the goroutine that polls and by the client's callbacks, one
// at a time: whoever holds mu.
type session struct {
	p      *Processor
	topics broker.Topics
	in     *broker.Client // reads the log and commits
	opened chan struct{}  // closed when in is there: the callbacks may come before
	out    *broker.Client // writes alerts and ticks, and asks

	member     broker.Member
	partitions int32 // of the log
	hashKey    event.HashKey
	sets       *ruleSets
	workers    []*reading // one a core
	answers    chan *answer

	mu         lock
	parts      map[int32]*assigned
	latest     *answer // the last answer
	lastShow   time.Time
	lastCommit time.Time
	committing *commit // under way, or nil
	closings   []*closing
	// grown says that partitions were added to the log while it was read.
	grown      error
	reads      context.Context // ends with the session
	background sync.WaitGroup  // what it waits for
	wake       wake            // ends the poll when something written or committed is answered
}

// assigned is a partition while it is ours.
type assigned struct {
	*windows.Partition
	leftOut   []leftOut // of the last poll, for OnLeftOut
	quiet     quiet
	committed int64 // the offset acknowledged with the last commit, or -1
	// moved is when the counts of firing alerts were brought up to date last.
	moved  time.Time
	alerts *emission // not acknowledged yet, or nil
	tick   *attempt  // to write a tick, or nil
	// ready is the commit as it was when the log was counted up to readyAt and the
	// last acknowledged alerts were written.
	ready   broker.Commit
	readyAt int64
	// unanswered says that it did not answer where it ends when it was assigned
	// at since.
	unanswered bool
	since      time.Time
	unfinished *unfinished // alerts of an earlier reading, or nil
	waiting    *waiting    // for a rule set, or nil
	// unread says that it continues from a commit, and the alerts of its windows'
	// neighbours have not been read yet: until then it is neither read nor committed.
	unread bool
}

// lock is a mutex. Whoever holds a session's may wait for the broker, and a
// simulation's time goes on only where those who wait for the lock do so on a
// channel (testing/synctest).
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func (s *session) run(ctx context.Context) (err error) {
	shared := s.p.cfg.Broker
	if s.out, err = shared.Open(broker.ProducerOptions()...); err != nil {
		return err
	}
	defer s.out.Close()
	// What asks a broker that hangs is not always ended by its own context.
	leaving, stopLeaving := grace.Context(ctx, leaveTimeout)
	defer stopLeaving()
	defer context.AfterFunc(leaving, s.out.BreakOff)()
	if s.partitions, err = s.out.Partitions(ctx, s.topics.Events); err != nil {
		return err
	}
	if s.hashKey, err = s.out.HashKey(ctx); err != nil {
		return err
	}
	for range runtime.GOMAXPROCS(0) {
		s.workers = append(s.workers, &reading{partitions: s.partitions, sets: s.sets})
	}

	var stopReads context.CancelFunc
	s.reads, stopReads = context.WithCancel(ctx)
	defer stopReads()
	s.in, err = shared.Open(append(broker.ConsumerOptions(),
		kgo.ConsumerGroup(shared.Group("processor")),
		kgo.ConsumeTopics(s.topics.Events),
		// To begin anywhere else than asked would be a silent gap.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.BlockRebalanceOnPoll(),
		kgo.HeartbeatInterval(s.p.settings.heartbeat),
		kgo.SessionTimeout(sessionTimeout),
		s.member.Assigned(),
		kgo.AdjustFetchOffsetsFn(s.assign),
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.lost),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		broker.RecycledRecords(),
	)...)
	if err != nil {
		return err
	}
	defer context.AfterFunc(leaving, s.in.BreakOff)()
	close(s.opened)
	// What is being written when ctx ends may take a moment to be acknowledged.
	work, stopWork := grace.Context(ctx, grace.Stop)
	defer stopWork()

	asking, stopAsking := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.ask(asking) })
	wg.Go(func() { s.followSets(asking) })
	defer func() {
		// Leaving revokes everything: what is due is emitted and committed there.
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		if left := s.in.Leave(leave); left != nil && !errors.Is(left, context.Canceled) {
			s.p.cfg.Log.Warn().Err(left).Msg("processor could not leave its group: other members get its partitions after the session timeout")
		}
		cancel()
		stopAsking()
		stopReads()
		wg.Wait()
		s.background.Wait()
		s.mu.Lock()
		s.abandonCommit()
		s.show()
		s.mu.Unlock()
	}()
	for ctx.Err() == nil {
		if err := s.turn(ctx, work); err != nil {
			return err
		}
	}
	return nil
}

// turn reads once, until ctx ends, and does what has become due.
func (s *session) turn(ctx, work context.Context) error {
	// Between allowing a rebalance and the next poll the callbacks may run.
	defer s.in.AllowRebalance()
	poll, cancel := context.WithTimeout(ctx, s.p.settings.lookEvery)
	s.wake.polls(cancel)
	fetches := s.in.PollFetches(poll)
	cancel()
	s.wake.taken()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grown != nil {
		return s.grown
	}
	if err := s.take(fetches); err != nil || ctx.Err() != nil {
		return err
	}
	if err := s.passOver(ctx, fetches); err != nil || ctx.Err() != nil {
		return err
	}
	s.goOn()
	select {
	case c := <-s.p.closings:
		s.closings = append(s.closings, c)
	default:
	}
	if err := s.emit(work, s.parts); err != nil {
		return err
	}
	if err := s.takeCommit(); err != nil {
		return err
	}
	if time.Since(s.lastCommit) >= s.p.settings.commitEvery {
		s.lastCommit = time.Now()
		s.startCommit(work, s.in.Client, s.parts)
	}
	if time.Since(s.lastShow) >= showEvery {
		s.lastShow = time.Now()
		s.show()
	}
	s.writeTicks(work)
	s.closeWindows(work)
	return s.checkUnanswered()
}

// assign is called for partitions that have become ours, before they are read:
// it decides where to begin.
func (s *session) assign(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	ours := offsets[s.topics.Events]
	if len(ours) == 0 {
		return offsets, nil
	}
	commits, err := s.out.CommittedOffsets(ctx, s.out.Group("processor"), s.topics.Events)
	if err != nil {
		return nil, err
	}
	extent, err := s.out.Extent(ctx, s.topics.Events)
	if err != nil {
		return nil, err
	}
	if err := s.refuseNewer(ours, commits); err != nil {
		return nil, err
	}
	if err := s.reportGaps(ctx, extent, ours, commits); err != nil {
		return nil, err
	}
	select {
	case <-s.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.readSets(ctx, ours, commits, extent); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	unusable := make(map[int32]error)
	for n := range ours {
		c, ok := commits[n]
		start, end := extent.Bounds(n)
		p, why, err := s.begin(n, c, ok, start, end)
		if err != nil {
			return nil, err
		}
		if why != nil {
			unusable[n] = why
		}
		p.CountFrom(max(s.p.cfg.CountFrom[n], s.p.tally.read[n]))
		s.own(n, p)
		s.parts[n].unanswered = extent.Missing(n) != nil
		s.parts[n].since = s.p.settings.now()
		if why != nil || !ok {
			s.parts[n].unfinished = &unfinished{after: end, given: make(map[string]bool)}
		} else {
			s.parts[n].unread = true
			s.pause(n)
		}
		ours[n] = kgo.NewOffset().At(p.Offset())
	}
	s.logUnusable(unusable)
	s.readAlerts(s.among(map[string][]int32{s.topics.Events: slices.Collect(maps.Keys(ours))}))
	return offsets, nil
}

// own makes p, of which nothing has been read yet, the partition n.
func (s *session) own(n int32, p *windows.Partition) {
	a := &assigned{Partition: p, committed: -1, readyAt: -1}
	a.quiet.tick = -1
	p.KeyHashes(s.hashKey)
	if s.p.cfg.OnLeftOut != nil {
		p.OnLeftOut(func(offset int64, future bool) { a.leftOut = append(a.leftOut, leftOut{offset, future}) })
	}
	s.parts[n] = a
}

// revoked is called for partitions that another member will get, and when we
// leave. Nobody else uses the session then, but for the lock.
func (s *session) revoked(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.among(gone)
	if len(parts) == 0 {
		return
	}
	if !s.p.settings.unclean {
		within, cancel := context.WithTimeout(ctx, grace.Stop)
		err := errors.Join(s.drain(within, parts), s.endCommit(within))
		s.startCommit(within, cl, parts)
		err = errors.Join(err, s.endCommit(within))
		cancel()
		if err != nil {
			// Whoever gets them continues from the last commit.
			s.p.cfg.Log.Warn().Err(err).Msg("processor gives up partitions without a last commit")
		}
	}
	s.abandonCommit()
	s.drop(parts)
}

// lost is called for partitions that are another member's already.
func (s *session) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := s.among(gone)
	s.abandonCommit()
	s.drop(parts)
}

// among are those of the named partitions that are assigned. The caller holds
// the lock.
func (s *session) among(named map[string][]int32) map[int32]*assigned {
	parts := make(map[int32]*assigned)
	for _, n := range named[s.topics.Events] {
		if a := s.parts[n]; a != nil {
			parts[n] = a
		}
	}
	return parts
}

func (s *session) drop(parts map[int32]*assigned) {
	for n, a := range parts {
		if a.unread || a.waiting != nil {
			s.resume(n) // it may come back
		}
		s.p.tally.counts.Add(a.Counts())
		s.p.tally.read[n] = max(s.p.tally.read[n], a.Offset())
		delete(s.parts, n)
	}
}

// pause has a partition fetched no further, until resume.
func (s *session) pause(n int32) {
	s.in.PauseFetchPartitions(map[string][]int32{s.topics.Events: {n}})
}

func (s *session) resume(n int32) {
	s.in.ResumeFetchPartitions(map[string][]int32{s.topics.Events: {n}})
}

// ask asks the broker again and again where the log ends.
func (s *session) ask(ctx context.Context) {
	for ctx.Err() == nil {
		a := &answer{asked: s.p.settings.now()}
		within, cancel := context.WithTimeout(ctx, answersHold)
		ends, err := s.out.AnsweredEnds(within, s.topics.Events)
		cancel()
		if err == nil {
			err = broker.SamePartitions(s.topics.Events, s.partitions, ends.Partitions)
			if err != nil {
				s.mu.Lock()
				s.grown = err
				s.mu.Unlock()
				return
			}
			a.got, a.ends = s.p.settings.now(), ends.Offsets
			select {
			case s.answers <- a:
			case <-ctx.Done():
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.p.settings.askEvery):
		}
	}
}
