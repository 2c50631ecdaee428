package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// emit begins to write the alerts that have changed, each partition's on its own:
// at most one attempt of a partition is under way. What could not be written is
// written again, the same bytes, before what has changed since.
func (s *session) emit(ctx context.Context, parts map[int32]*assigned) error {
	if err := s.takeWritten(parts); err != nil {
		return err
	}
	for n, a := range parts {
		if a.alerts != nil {
			if a.alerts.mayRepeat() {
				a.alerts.attempt = s.write(ctx, a.alerts.records)
			}
			continue
		}
		if err := s.emitChanged(ctx, n, a); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) emitChanged(ctx context.Context, n int32, a *assigned) error {
	alerts := a.Changed(nil)
	if time.Since(a.moved) >= s.p.settings.countsEvery {
		a.moved = time.Now()
		alerts = a.Moved(alerts)
	}
	alerts = a.finish(alerts)
	if len(alerts) == 0 {
		a.Acknowledge(a.Offset())
		return nil
	}
	e := &emission{alerts: alerts, upTo: a.Offset()}
	e.commit.Offset, e.commit.Metadata = a.Commit()
	for _, alert := range alerts {
		value, err := alert.AppendJSON(nil)
		if err != nil {
			return fmt.Errorf("encode alert %s: %w", alert.ID, err)
		}
		e.records = append(e.records, &kgo.Record{Topic: s.topics.Alerts, Partition: n, Key: []byte(alert.ProductID), Value: value})
	}
	e.attempt = s.write(ctx, e.records)
	a.alerts = e
	return nil
}

// takeWritten takes the results of the attempts that have ended.
func (s *session) takeWritten(parts map[int32]*assigned) error {
	for n, a := range parts {
		if t := a.tick; t != nil && t.ended() {
			a.tick = nil
			switch broker.Classify(t.err) {
			case broker.None:
				a.quiet.tick = t.records[0].Offset
			case broker.Retriable, broker.Canceled: // a later answer of the broker makes it due again
			default:
				return fmt.Errorf("write a tick to %s-%d: %w", s.topics.Events, n, t.err)
			}
		}
		if e := a.alerts; e != nil && e.attempt.ended() && !e.taken {
			if err := s.takeEmitted(n, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) takeEmitted(n int32, a *assigned) error {
	e := a.alerts
	err := e.attempt.err
	switch broker.Classify(err) {
	case broker.None:
	case broker.Retriable, broker.Canceled:
		if !e.failed {
			s.p.cfg.Log.Warn().Err(err).Int32("partition", n).Int("alerts", len(e.alerts)).
				Msg("processor could not write alerts of a partition; it will try again, and commits nothing of it meanwhile")
		}
		e.failed, e.taken, e.repeatAt = true, true, time.Now().Add(retryAfter)
		return nil
	default:
		return fmt.Errorf("write %d alerts to %s-%d: %w", len(e.alerts), s.topics.Alerts, n, err)
	}
	a.alerts, a.ready, a.readyAt = nil, e.commit, e.upTo
	a.Acknowledge(e.upTo)
	a.AlertsEnd(e.attempt.records[len(e.records)-1].Offset + 1)
	s.p.tally.alerts += int64(len(e.alerts))
	if s.p.cfg.OnAlert != nil {
		for _, alert := range e.alerts {
			s.p.cfg.OnAlert(alert)
		}
	}
	return nil
}

// drain emits what has changed and waits until it is acknowledged or ctx ends.
func (s *session) drain(ctx context.Context, parts map[int32]*assigned) error {
	for range 2 { // what is under way, and what has changed since
		if err := s.emit(ctx, parts); err != nil {
			return err
		}
		for _, a := range parts {
			if a.alerts != nil {
				a.alerts.attempt.wait(ctx)
			}
		}
	}
	return s.takeWritten(parts)
}

// writeTicks writes the ticks that quiet time has made due. It does so only
// after a new answer of the broker, so that a client which repeats an old event,
// and so makes tick after tick invalid, does not fill the log with them.
func (s *session) writeTicks(ctx context.Context) {
	var fresh *answer
	select {
	case fresh = <-s.answers:
		s.latest = fresh
	default:
	}
	ticks := make(map[int32]event.Tick)
	for n, p := range s.parts {
		p.quiet.follow(p.Partition, n, s.p.settings.now)
		if fresh == nil {
			continue
		}
		p.quiet.observe(fresh, n)
		p.quiet.follow(p.Partition, n, s.p.settings.now)
		if t, due := p.quiet.due(p.Partition); due {
			ticks[n] = t
		}
	}
	s.append(ctx, ticks)
}

// append begins to write ticks to the log.
func (s *session) append(ctx context.Context, ticks map[int32]event.Tick) {
	for n, t := range ticks {
		if a := s.parts[n]; a.tick == nil {
			a.tick = s.write(ctx, []*kgo.Record{broker.TickRecord(s.topics.Events, n, t)})
		}
	}
}

// closeWindows continues the calls of CloseWindows: whatever is still
// missing is done or waited for.
func (s *session) closeWindows(ctx context.Context) {
	if len(s.closings) == 0 {
		return
	}
	waiting := s.closings[:0]
	ticks := make(map[int32]event.Tick)
	var finished []*closing
	for _, c := range s.closings {
		done := true
		for n, end := range c.ends {
			p := s.parts[n]
			if p == nil || p.Rebuilding() || p.Offset() < end {
				done = false
				continue
			}
			if _, _, open := p.Unclosed(); open {
				done = false
				if t, ok := p.quiet.closing(p.Partition); ok {
					ticks[n] = t
				}
			}
		}
		if done {
			finished = append(finished, c)
		} else {
			waiting = append(waiting, c)
		}
	}
	s.closings = waiting
	s.append(ctx, ticks)
	if len(finished) == 0 {
		return
	}
	for _, p := range s.parts {
		if p.alerts != nil || p.committed != p.Offset() {
			s.closings = append(s.closings, finished...)
			s.lastCommit = time.Time{} // commit at once
			return
		}
	}
	s.show()
	for _, c := range finished {
		close(c.done)
	}
}
