package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"clickstream/internal/broker/realkafka"
	"clickstream/internal/torture/proxy"
)

// chance is the seeded choice of one lane.
type chance struct{ *rand.Rand }

func newChance(seed, lane uint64) chance { return chance{rand.New(rand.NewPCG(seed, lane))} }

func (c chance) between(from, to time.Duration) time.Duration {
	return from + time.Duration(c.Int64N(int64(to-from)))
}

// After a storm of faults there is a calm. An instance that is killed or paused
// holds up its groups for a session: without a calm they hardly ever form, and
// faults find nothing under way.
const (
	storm = 30 * time.Second
	calm  = 20 * time.Second
)

// breakThings lets faults happen until ctx ends, and returns when none is under
// way any more. Each lane is a sequence of faults of its own, so that faults of
// different kinds fall together. The receiver's know no calm.
func (s *shop) breakThings(ctx context.Context, seed uint64) {
	var lanes sync.WaitGroup
	begun, lane := time.Now(), uint64(0)
	add := func(rests bool, from, to time.Duration, fault func(context.Context, chance)) {
		lane++
		c := newChance(seed, lane)
		lanes.Go(func() {
			for {
				next := c.between(from, to)
				if within := (time.Since(begun) + next) % (storm + calm); rests && within > storm {
					next += calm
				}
				wait(ctx, next)
				if ctx.Err() != nil {
					return
				}
				fault(ctx, c)
			}
		})
	}
	for _, i := range s.instances {
		add(true, time.Second, 6*time.Second, func(ctx context.Context, c chance) { s.breakInstance(ctx, c, i) })
	}
	add(true, 5*time.Second, 15*time.Second, s.addAndRemove)
	add(true, 20*time.Second, 40*time.Second, s.rollingRestart)
	add(true, time.Second, 5*time.Second, func(ctx context.Context, c chance) { s.breakConnections(ctx, c, "ClickHouse", s.proxy) })
	add(true, 4*time.Second, 12*time.Second, func(ctx context.Context, c chance) { s.breakConnections(ctx, c, "Kafka", s.broker) })
	add(true, 15*time.Second, 35*time.Second, s.killClickHouse)
	add(true, 25*time.Second, 50*time.Second, s.restartKafka)
	add(false, 3*time.Second, 10*time.Second, s.breakReceiver)
	lanes.Wait()
}

// breakInstance kills, stops or pauses an instance. It runs when that is over.
func (s *shop) breakInstance(ctx context.Context, c chance, i *instance) {
	// All are drawn whatever happens, so that a seed gives the same faults.
	kind, down, short, long := c.IntN(100), c.between(0, 3*time.Second), c.between(500*time.Millisecond, 4*time.Second), c.between(16*time.Second, 22*time.Second)
	i.Lock()
	defer i.Unlock()
	defer func() {
		if err := i.start(); err != nil {
			s.journal.fail("instance %s cannot be started: %v", i.name, err)
		}
	}()
	if i.process.ended() {
		return
	}
	switch {
	case kind < 35:
		s.journal.fault("kill", "instance %s, started again after %s", i.name, round(down))
		i.kill()
		wait(ctx, down)
	case kind < 65:
		if i.waitServing(ctx) {
			s.journal.fault("stop", "instance %s, started again after %s", i.name, round(down))
			i.stop()
			wait(ctx, down)
		}
	case kind < 85:
		s.journal.fault("pause", "instance %s for %s", i.name, round(short))
		i.pause()
		wait(ctx, short)
		i.goOn()
	default:
		s.journal.fault("long pause", "instance %s for %s, longer than its session", i.name, round(long))
		i.pause()
		wait(ctx, long)
		i.goOn()
	}
}

// addAndRemove adds an instance for a while.
func (s *shop) addAndRemove(ctx context.Context, c chance) {
	stay, kill := c.between(3*time.Second, 20*time.Second), c.IntN(2) == 0
	s.journal.fault("add", "a fourth instance for %s", round(stay))
	if err := s.extra.start(); err != nil {
		s.journal.fail("the fourth instance cannot be started: %v", err)
		return
	}
	wait(ctx, stay)
	if kill || !s.extra.waitServing(ctx) {
		s.journal.fault("remove", "the fourth instance, by SIGKILL")
		s.extra.kill()
		return
	}
	s.journal.fault("remove", "the fourth instance, by SIGTERM")
	s.extra.stop()
}

// rollingRestart restarts one instance after the other, as a new version would.
func (s *shop) rollingRestart(ctx context.Context, _ chance) {
	for _, i := range s.instances {
		i.Lock()
		if ctx.Err() == nil && !i.process.ended() && i.waitServing(ctx) {
			s.journal.fault("rolling restart", "instance %s", i.name)
			i.stop()
			if err := i.start(); err != nil {
				s.journal.fail("instance %s cannot be started: %v", i.name, err)
			}
			i.waitServing(ctx)
		}
		i.Unlock()
	}
}

// breakConnections breaks the connections to Kafka or ClickHouse.
func (s *shop) breakConnections(ctx context.Context, c chance, to string, p *proxy.Proxy) {
	kind, length, hang, delay := c.IntN(100), c.between(200*time.Millisecond, 3*time.Second), c.between(time.Second, 15*time.Second), c.between(5*time.Millisecond, 300*time.Millisecond)
	defer p.Heal()
	switch {
	case kind < 25:
		s.journal.fault("cut", "all connections to %s", to)
		p.Cut()
	case kind < 55:
		s.journal.fault("lost answers", "of %s for %s", to, round(length))
		p.Swallow()
		wait(ctx, length)
	case kind < 75:
		s.journal.fault("delay", "of %s on connections to %s for %s", round(delay), to, round(length))
		p.Delay(delay)
		wait(ctx, length)
	case kind < 90:
		s.journal.fault("hang", "of connections to %s for %s", to, round(hang))
		p.Hang()
		wait(ctx, hang)
	default:
		s.journal.fault("refuse", "connections to %s for %s", to, round(length))
		p.Refuse()
		wait(ctx, length)
	}
}

// breakReceiver breaks the connections to the receiver of notices, or lets it be
// down for so long that notices gather. What it does with single requests is its
// own choice.
func (s *shop) breakReceiver(ctx context.Context, c chance) {
	down, length := c.IntN(3) == 0, c.between(5*time.Second, 25*time.Second)
	if !down {
		s.breakConnections(ctx, c, "the receiver", s.post)
		return
	}
	s.journal.fault("receiver down", "for %s", round(length))
	s.post.Refuse()
	defer s.post.Heal()
	wait(ctx, length)
}

// killClickHouse kills ClickHouse; its keeper starts it again.
func (s *shop) killClickHouse(_ context.Context, c chance) {
	down := c.between(0, 5*time.Second)
	select {
	case <-s.clickhouse.Done(): // it does not run now
		return
	default:
	}
	select {
	case s.downtime <- down:
	default: // it ended by itself when it was to be killed the last time: that downtime is left
	}
	s.journal.fault("kill ClickHouse", "started again after %s", round(down))
	s.clickhouse.Kill()
}

// restartKafka ends Kafka and starts it again.
func (s *shop) restartKafka(ctx context.Context, c chance) {
	kill := c.IntN(2) == 0
	if kill {
		s.journal.fault("kill Kafka", "and start it again")
		_ = s.kafka.Kill()
	} else {
		s.journal.fault("restart Kafka", "in order")
		_ = s.kafka.Close()
	}
	// A start that has begun is finished: what is judged needs Kafka.
	kafka, err := realkafka.Start(context.WithoutCancel(ctx), filepath.Join(s.dir, "kafka"))
	if err != nil {
		s.journal.fail("Kafka does not start again: %v", err)
		return
	}
	s.kafka = kafka
	s.journal.say("Kafka runs again")
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
