package processor

import "clickstream/internal/event"

// Stats is what a processor has done since it was made, and where it is. The
// counts of records are those at and after Config.CountFrom that this instance
// read first: what it reads again to rebuild its windows does not count.
type Stats struct {
	Events       int64 // valid events, duplicates, late and future ones included
	Duplicates   int64 // later copies of events whose ids are remembered
	Late         int64 // events none of whose windows was open any more
	Future       int64 // events too far ahead of their receive time
	Poison       int64 // records with a value that are no valid event
	Ticks        int64 // valid ticks
	InvalidTicks int64 // records marked as ticks that no longer apply

	Alerts int64 // alert records acknowledged

	Partitions  int   // assigned at the moment
	Products    int64 // with events in open windows
	OpenWindows int64 // open windows with events in them, of all partitions
	Lag         int64 // offsets not read yet, by the broker's last answer; -1: not known yet

	// Watermark is the lowest of the assigned partitions' watermarks, and
	// NewestEvent the highest; both are 0 before the first event.
	Watermark, NewestEvent event.Millis
}

func (c *counts) add(d counts) {
	c.events += d.events
	c.duplicates += d.duplicates
	c.late += d.late
	c.future += d.future
	c.poison += d.poison
	c.ticks += d.ticks
	c.invalidTicks += d.invalidTicks
}

// show makes what the session knows visible to Stats.
func (s *session) show() {
	t := &s.p.tally
	sum := t.counts
	st := Stats{Alerts: t.alerts, Partitions: len(s.parts)}
	first := true
	for _, p := range s.parts {
		sum.add(p.counts)
		st.Products += int64(len(p.byName))
		st.OpenWindows += p.openWindows()
		if p.watermark == none {
			continue
		}
		if first || p.watermark < st.Watermark {
			st.Watermark = p.watermark
		}
		if newest := p.eventWatermark + p.late; first || newest > st.NewestEvent {
			st.NewestEvent = newest
		}
		first = false
	}
	st.Events, st.Duplicates, st.Late, st.Future = sum.events, sum.duplicates, sum.late, sum.future
	st.Poison, st.Ticks, st.InvalidTicks = sum.poison, sum.ticks, sum.invalidTicks
	st.Lag = -1
	if a := s.heard; a != nil {
		st.Lag = 0
		for n, p := range s.parts {
			st.Lag += max(0, a.ends[n]-p.offset)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown = st
}

// openWindows is the number of open windows with events in them.
func (p *partition) openWindows() (n int64) {
	for k := p.windows.low; k <= p.windows.high; k++ {
		if p.windows.at(k).counted {
			n++
		}
	}
	return n
}
