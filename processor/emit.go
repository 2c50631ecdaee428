package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// emit writes the alerts that have changed and waits until they are
// acknowledged. With an error nothing is known of what was written: the
// session has to end, and the next one repeats it.
func (s *session) emit(ctx context.Context, parts map[int32]*assigned) error {
	var alerts []event.Alert
	var records []*kgo.Record
	for n, a := range parts {
		from := len(alerts)
		alerts = a.Changed(alerts)
		if time.Since(a.moved) >= s.p.settings.countsEvery {
			a.moved = time.Now()
			alerts = a.Moved(alerts)
		}
		for _, alert := range alerts[from:] {
			value, err := alert.AppendJSON(nil)
			if err != nil {
				return fmt.Errorf("encode alert %s: %w", alert.ID, err)
			}
			records = append(records, &kgo.Record{Topic: s.topics.Alerts, Partition: n, Key: []byte(alert.ProductID), Value: value})
		}
	}
	if err := s.produce(ctx, records); err != nil {
		s.failed = true
		return fmt.Errorf("write %d alerts: %w", len(records), err)
	}
	for _, a := range parts {
		a.Acknowledge(a.Offset())
	}
	s.p.tally.alerts += int64(len(alerts))
	if s.p.cfg.OnAlert != nil {
		for _, alert := range alerts {
			s.p.cfg.OnAlert(alert)
		}
	}
	return nil
}

func (s *session) produce(ctx context.Context, records []*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	return s.out.ProduceSync(ctx, records...).FirstErr()
}

// writeTicks writes the ticks that quiet time has made due. It does so only
// after a new answer of the broker, so that a client which repeats an old event,
// and so makes tick after tick invalid, does not fill the log with them.
func (s *session) writeTicks(ctx context.Context) error {
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
		p.quiet.observe(fresh)
		p.quiet.follow(p.Partition, n, s.p.settings.now)
		if t, due := p.quiet.due(p.Partition); due {
			ticks[n] = t
		}
	}
	return s.append(ctx, ticks)
}

// append writes ticks to the log and remembers their offsets.
func (s *session) append(ctx context.Context, ticks map[int32]event.Tick) error {
	var records []*kgo.Record
	for n, t := range ticks {
		records = append(records, broker.TickRecord(s.topics.Events, n, t))
	}
	if err := s.produce(ctx, records); err != nil {
		return fmt.Errorf("write %d ticks: %w", len(records), err)
	}
	for _, r := range records {
		s.parts[r.Partition].quiet.tick = r.Offset
	}
	return nil
}

// closeWindows continues the calls of CloseWindows: whatever is still
// missing is done or waited for.
func (s *session) closeWindows(ctx context.Context) error {
	if len(s.closings) == 0 {
		return nil
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
	if err := s.append(ctx, ticks); err != nil || len(finished) == 0 {
		s.closings = append(s.closings, finished...)
		return err
	}
	err := s.emit(ctx, s.parts)
	for _, p := range s.parts {
		if err != nil || p.committed != p.Acknowledged() {
			s.closings = append(s.closings, finished...)
			s.lastCommit = time.Time{} // commit at once
			return err
		}
	}
	s.show()
	for _, c := range finished {
		close(c.done)
	}
	return nil
}
