package windowstest

import (
	"fmt"

	"clickstream/internal/event"
)

// Record is one record of a test's log: an event, a tick, invalid, or nothing.
type Record struct {
	Offset   int64
	Kind     Kind
	Event    event.Event
	Received event.Millis
	Tick     event.Tick
}

// Kind says which of a Record's fields mean something.
type Kind int

const (
	IsEvent Kind = iota
	IsTick
	IsInvalid
	IsNothing
)

func (r Record) String() string {
	switch r.Kind {
	case IsEvent:
		return fmt.Sprintf("%d: %s %s %s at %s, received %s", r.Offset, r.Event.Type, r.Event.ProductID, r.Event.ID, r.Event.Timestamp, r.Received)
	case IsTick:
		return fmt.Sprintf("%d: tick after %d, quiet %s", r.Offset, r.Tick.After, r.Tick.Quiet.Duration())
	case IsInvalid:
		return fmt.Sprintf("%d: invalid", r.Offset)
	}
	return fmt.Sprintf("%d: nothing", r.Offset)
}

// Model says what W1 to W5 say, in straight loops over the whole log, and
// remembers nothing from one question to the next.
type Model struct {
	Rule event.Rule
	Log  []Record
	Cut  bool // the log does not begin at its true beginning
}

// Watermarks are the watermark before each record (W3), and after the last.
func (m Model) Watermarks() []event.Millis {
	const none = event.Millis(-1 << 63)
	lateness := event.Millis(m.Rule.Lateness.Milliseconds())
	eventWatermark, watermark, lastValue := none, none, int64(-1)
	before := make([]event.Millis, 0, len(m.Log)+1)
	for _, r := range m.Log {
		before = append(before, watermark)
		switch r.Kind {
		case IsEvent:
			eventWatermark = max(eventWatermark, min(r.Event.Timestamp, r.Received)-lateness)
			watermark = max(watermark, eventWatermark)
			lastValue = r.Offset
		case IsInvalid:
			lastValue = r.Offset
		case IsTick:
			if r.Tick.After == lastValue && eventWatermark != none {
				watermark = max(watermark, eventWatermark+r.Tick.Quiet)
			}
		}
	}
	return append(before, watermark)
}

// verdict is what the log up to an offset says of a product's window.
type verdict struct {
	views, purchases int
	ever, closed     bool
	version          int64 // of the record that closed it
	rule             event.Rule
}

func (v verdict) status() event.Status {
	qualifies := v.views > v.rule.ViewsOver && v.purchases < v.rule.PurchasesUnder
	switch {
	case !v.ever:
		return ""
	case !qualifies:
		return event.Retracted
	case v.closed:
		return event.Confirmed
	}
	return event.Firing
}

func (m Model) judge(watermarks []event.Millis, product string, start event.Millis, upTo int64) verdict {
	end := start + event.Millis(m.Rule.Window.Milliseconds())
	v := verdict{rule: m.Rule}
	if m.Cut {
		for _, r := range m.Log {
			if r.Kind == IsEvent {
				if start < r.Received+event.FutureAfter {
					return v
				}
				break
			}
		}
	}
	seen := map[string]bool{}
	for i, r := range m.Log {
		if r.Offset >= upTo {
			break
		}
		e := r.Event
		if r.Kind == IsEvent && watermarks[i] < end && e.ProductID == product && e.Timestamp >= start && e.Timestamp < end &&
			e.Timestamp <= r.Received+event.FutureAfter && (e.Type == "view" || e.Type == "purchase") {
			if identity := e.Type + e.Timestamp.String() + e.ID; !seen[identity] {
				seen[identity] = true
				if e.Type == "view" {
					v.views++
				} else {
					v.purchases++
				}
				v.ever = v.ever || v.views > m.Rule.ViewsOver && v.purchases < m.Rule.PurchasesUnder
			}
		}
		if watermarks[i+1] >= end {
			v.closed, v.version = true, r.Offset+1
			break
		}
	}
	return v
}

// productWindow is one window of one product.
type productWindow struct {
	product string
	start   event.Millis
}

// all are the windows that any event lies in.
func (m Model) all() map[productWindow]bool {
	slide := event.Millis(m.Rule.Slide.Milliseconds())
	window := event.Millis(m.Rule.Window.Milliseconds())
	found := map[productWindow]bool{}
	for _, r := range m.Log {
		if r.Kind == IsEvent && r.Event.ProductID != "" {
			for start := r.Event.Timestamp - r.Event.Timestamp%slide; start > r.Event.Timestamp-window; start -= slide {
				found[productWindow{r.Event.ProductID, start}] = true
			}
		}
	}
	return found
}

// final are the alerts as they stand at the log's end, by id.
func (m Model) final(watermarks []event.Millis) map[string]verdict {
	found := map[string]verdict{}
	for w := range m.all() {
		if v := m.judge(watermarks, w.product, w.start, 1<<62); v.ever {
			found[m.Rule.AlertID(w.product, w.start)] = v
		}
	}
	return found
}
