package processor

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// earlierAlerts is what the alerts of a partition say that stood when it was assigned:
// in which episodes windows are, where it continues from a commit, and else which
// alerts are firing.
type earlierAlerts struct {
	history *windows.History       // or nil
	firing  map[string]event.Alert // the latest, by id
	ended   *versions
}

func (st *earlierAlerts) take(alert event.Alert, offset int64) {
	if st.history != nil {
		st.history.Take(alert, offset)
		return
	}
	switch last, known := st.firing[alert.ID]; {
	case known && last.Version > alert.Version: // emitted again
	case alert.Status != event.Firing:
		delete(st.firing, alert.ID)
		st.ended.set(alert.ID, alert.Version)
	case st.ended.of(alert.ID) < alert.Version:
		st.firing[alert.ID] = alert
	}
}

// readAlerts reads, in the background, the alerts of partitions that have just
// been assigned, and tells each what they say. Those that do not answer are asked
// again, and hold up no other.
func (s *session) readAlerts(parts map[int32]*assigned) {
	s.background.Go(func() {
		for len(parts) > 0 {
			err := s.readEarlier(s.reads, parts)
			if s.reads.Err() != nil || len(parts) == 0 {
				return
			}
			s.p.cfg.Log.Warn().Err(err).Int("partitions", len(parts)).
				Msg("processor could not read the alerts of partitions; it will try again, and commits nothing of them meanwhile")
			select {
			case <-s.reads.Done():
			case <-time.After(retryAfter):
			}
		}
	})
}

// readEarlier reads the alerts of the partitions that answer, and takes those of
// which it has read all from parts.
func (s *session) readEarlier(ctx context.Context, parts map[int32]*assigned) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stalled := time.AfterFunc(deliverWithin, stop)
	defer stalled.Stop()
	all, err := s.out.AnsweredEnds(ctx, s.topics.Alerts)
	if err != nil {
		return err
	}
	from, ends := make(broker.Offsets), make(broker.Offsets)
	found := make(map[int32]*earlierAlerts)
	var ended versions
	s.mu.Lock()
	for n, a := range parts {
		end, answered := all.Offsets[n]
		if !answered {
			err = fmt.Errorf("topic %s-%d: %w", s.topics.Alerts, n, all.Failed[n])
			continue
		}
		ends[n], found[n] = end, &earlierAlerts{firing: make(map[string]event.Alert), ended: &ended}
		if a.unread {
			found[n].history = a.History()
			from[n] = found[n].history.From()
		}
	}
	s.mu.Unlock()
	done := func(n int32) {
		s.tell(n, parts[n], found[n], ends[n])
		delete(parts, n)
	}
	failed := s.out.ReadLog(ctx, s.topics.Alerts, from, maps.Clone(ends), func(r *kgo.Record) error {
		stalled.Reset(deliverWithin)
		// What is no alert is rejected by the mirror.
		if alert, err := event.DecodeAlert(r.Value); err == nil {
			found[r.Partition].take(alert, r.Offset)
		}
		if r.Offset == ends[r.Partition]-1 {
			done(r.Partition)
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	for n := range ends {
		if parts[n] != nil {
			done(n)
		}
	}
	return err
}

// tell tells a partition what its alerts say, of which the topic held those below
// end.
func (s *session) tell(n int32, a *assigned, st *earlierAlerts, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[n] != a {
		return // it is another member's, or was given back to us since
	}
	a.AlertsEnd(end)
	if st.history != nil {
		a.Remember(st.history)
		a.unread = false
		s.resume(n)
		return
	}
	u := a.unfinished
	u.read, u.firing = true, st.firing
	for id := range u.given {
		delete(u.firing, id)
	}
	u.given = nil
	s.wake.now()
}
