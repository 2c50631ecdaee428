package processor

import (
	"time"

	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// Stats is what a processor has done since it was made, and where it is.
type Stats struct {
	// The records at and after Config.CountFrom that this instance read first:
	// what it reads again to rebuild its windows does not count.
	windows.Counts

	Alerts int64 // alert records acknowledged

	Partitions  int   // assigned at the moment
	Products    int64 // with events in open windows
	OpenWindows int64 // open windows with events in them, of all partitions
	Lag         int64 // offsets not read yet, by the broker's last answer; -1: not known yet

	// Watermark is the lowest of the assigned partitions' watermarks, and
	// NewestEvent the highest; both are 0 before the first event.
	Watermark, NewestEvent event.Millis
}

// showEvery is how often Stats are renewed.
const showEvery = 100 * time.Millisecond

// show makes what the session knows visible to Stats.
func (s *session) show() {
	t := &s.p.tally
	st := Stats{Counts: t.counts, Alerts: t.alerts, Partitions: len(s.parts)}
	first := true
	for _, p := range s.parts {
		st.Add(p.Counts())
		st.Products += int64(p.Products())
		st.OpenWindows += p.OpenWindows()
		watermark := p.Watermark()
		if watermark == windows.None {
			continue
		}
		if first || watermark < st.Watermark {
			st.Watermark = watermark
		}
		if newest := p.NewestEvent(); first || newest > st.NewestEvent {
			st.NewestEvent = newest
		}
		first = false
	}
	st.Lag = -1
	if a := s.latest; a != nil {
		st.Lag = 0
		for n, p := range s.parts {
			st.Lag += max(0, a.ends[n]-p.Offset())
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := st.Unremembered(); n > 0 && t.shown.Unremembered() == 0 {
		s.p.cfg.Log.Warn().Int64("events", n).
			Msg("processor: more ids or products came in a slide of one partition than are remembered: alerts of these windows may be missing or not exact; more partitions hold more")
	}
	if st.InvalidRules > t.shown.InvalidRules {
		s.p.cfg.Log.Warn().Int64("changes_in_all", st.InvalidRules).
			Msg("processor has passed over a change of rules in a partition: 8 rule sets, as many as can be in use at once, have open windows, and the change is not in force there; run `alerts rules apply` with its file: it says when there is room")
	}
	t.shown = st
}
