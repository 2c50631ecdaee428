package processor

import (
	"fmt"
	"math/rand/v2"
	"time"

	"clickstream/internal/event"
)

// record is one record of a test's log: an event, a tick, poison, or nothing.
type record struct {
	offset   int64
	kind     kind
	event    event.Event
	received event.Millis
	tick     event.Tick
}

type kind int

const (
	isEvent kind = iota
	isTick
	isPoison
	isNothing
)

func (r record) String() string {
	switch r.kind {
	case isEvent:
		return fmt.Sprintf("%d: %s %s %s at %s, received %s", r.offset, r.event.Type, r.event.ProductID, r.event.ID, r.event.Timestamp, r.received)
	case isTick:
		return fmt.Sprintf("%d: tick after %d, quiet %s", r.offset, r.tick.After, r.tick.Quiet.Duration())
	case isPoison:
		return fmt.Sprintf("%d: poison", r.offset)
	}
	return fmt.Sprintf("%d: nothing", r.offset)
}

func (p *partition) take(r record) {
	switch r.kind {
	case isEvent:
		p.event(&r.event, r.received, r.offset)
	case isTick:
		p.tick(r.tick, r.offset)
	case isPoison:
		p.poison(r.offset)
	default:
		p.skip(r.offset)
	}
}

// The model says what W1 to W5 say, in straight loops over the whole log, and
// remembers nothing from one question to the next.
type model struct {
	rule event.Rule
	log  []record
	cut  bool // the log does not begin at its true beginning
}

// watermarks are the watermark before each record (W3), and after the last.
func (m model) watermarks() []event.Millis {
	lateness := event.Millis(m.rule.Lateness.Milliseconds())
	eventWatermark, watermark, lastValue := none, none, int64(-1)
	before := make([]event.Millis, 0, len(m.log)+1)
	for _, r := range m.log {
		before = append(before, watermark)
		switch r.kind {
		case isEvent:
			eventWatermark = max(eventWatermark, min(r.event.Timestamp, r.received)-lateness)
			watermark = max(watermark, eventWatermark)
			lastValue = r.offset
		case isPoison:
			lastValue = r.offset
		case isTick:
			if r.tick.After == lastValue && eventWatermark != none {
				watermark = max(watermark, eventWatermark+r.tick.Quiet)
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

func (m model) judge(watermarks []event.Millis, product string, start event.Millis, upTo int64) verdict {
	end := start + event.Millis(m.rule.Window.Milliseconds())
	v := verdict{rule: m.rule}
	if m.cut {
		for _, r := range m.log {
			if r.kind == isEvent {
				if start < min(r.event.Timestamp, r.received)+event.Millis(m.rule.Lateness.Milliseconds()) {
					return v
				}
				break
			}
		}
	}
	seen := map[string]bool{}
	for i, r := range m.log {
		if r.offset >= upTo {
			break
		}
		e := r.event
		if r.kind == isEvent && watermarks[i] < end && e.ProductID == product && e.Timestamp >= start && e.Timestamp < end &&
			e.Timestamp <= r.received+event.FutureAfter && (e.Type == "view" || e.Type == "purchase") {
			if identity := e.Type + e.Timestamp.String() + e.ID; !seen[identity] {
				seen[identity] = true
				if e.Type == "view" {
					v.views++
				} else {
					v.purchases++
				}
				v.ever = v.ever || v.views > m.rule.ViewsOver && v.purchases < m.rule.PurchasesUnder
			}
		}
		if watermarks[i+1] >= end {
			v.closed, v.version = true, r.offset+1
			break
		}
	}
	return v
}

// counts are W5's and E3's numbers over the whole log.
func (m model) counts(watermarks []event.Millis) counts {
	var c counts
	slide := event.Millis(m.rule.Slide.Milliseconds())
	window := event.Millis(m.rule.Window.Milliseconds())
	seen := map[string]bool{}
	lastValue, first := int64(-1), false
	for i, r := range m.log {
		switch e := r.event; r.kind {
		case isPoison:
			c.poison++
			lastValue = r.offset
		case isTick:
			if r.tick.After == lastValue && first {
				c.ticks++
			} else {
				c.invalidTicks++
			}
		case isEvent:
			c.events++
			lastValue, first = r.offset, true
			lastEnd := e.Timestamp - e.Timestamp%slide + window
			identity := e.ProductID + e.Type + e.Timestamp.String() + e.ID
			switch {
			case e.Timestamp > r.received+event.FutureAfter:
				c.future++
			case watermarks[i] >= lastEnd:
				c.late++
			case e.Type != "view" && e.Type != "purchase":
			case seen[identity]:
				c.duplicates++
			default:
				seen[identity] = true
			}
		}
	}
	return c
}

// window is one window of one product.
type productWindow struct {
	product string
	start   event.Millis
}

// all are the windows that any event lies in.
func (m model) all() map[productWindow]bool {
	slide := event.Millis(m.rule.Slide.Milliseconds())
	window := event.Millis(m.rule.Window.Milliseconds())
	found := map[productWindow]bool{}
	for _, r := range m.log {
		if r.kind == isEvent && r.event.ProductID != "" {
			for start := r.event.Timestamp - r.event.Timestamp%slide; start > r.event.Timestamp-window; start -= slide {
				found[productWindow{r.event.ProductID, start}] = true
			}
		}
	}
	return found
}

// final are the alerts as they stand at the log's end, by id.
func (m model) final(watermarks []event.Millis) map[string]verdict {
	found := map[string]verdict{}
	for w := range m.all() {
		if v := m.judge(watermarks, w.product, w.start, 1<<62); v.ever {
			found[m.rule.AlertID(w.product, w.start)] = v
		}
	}
	return found
}

const noon = event.Millis(1_700_000_000_000 - 1_700_000_000_000%3_600_000)

// randomModel is a small rule and a log with everything in it that a log may
// have: stragglers, clocks that are ahead, copies, copies that differ, gaps in
// the offsets and in time, ticks that apply and that do not.
func randomModel(rng *rand.Rand) model {
	slide := []time.Duration{time.Second, 10 * time.Second, time.Minute}[rng.IntN(3)]
	m := model{rule: event.Rule{
		ViewsOver:      rng.IntN(4),
		PurchasesUnder: 1 + rng.IntN(3),
		Slide:          slide,
		Window:         slide * time.Duration(1+rng.IntN(5)),
		Lateness:       time.Duration(rng.Int64N(int64(3*slide/time.Millisecond))) * time.Millisecond,
	}}
	step := event.Millis(slide.Milliseconds())
	window := event.Millis(m.rule.Window.Milliseconds())
	now, offset, lastValue := noon+event.Millis(rng.Int64N(1_000_000)), int64(0), int64(-1)
	var events []record
	for n := 10 + rng.IntN(90); n > 0; n-- {
		r := record{offset: offset}
		switch d := rng.IntN(100); {
		case d < 4:
			r.kind = isPoison
		case d < 7:
			r.kind = isNothing
		case d < 17:
			r.kind = isTick
			r.tick = event.Tick{After: lastValue, Quiet: event.Millis(rng.Int64N(int64(2*window + 2*step)))}
			switch rng.IntN(6) {
			case 0:
				r.tick.After -= 1 + rng.Int64N(3)
			case 1:
				if len(events) > 0 {
					r.tick.After = events[rng.IntN(len(events))].offset
				}
			}
		case d < 30 && len(events) > 0:
			copied := events[rng.IntN(len(events))]
			r.event, r.received = copied.event, copied.received
			if rng.IntN(2) == 0 {
				r.event.Price, r.event.HasPrice, r.event.UserID = rng.Int64N(100), true, "someone else"
				r.received += event.Millis(rng.Int64N(600_000))
			}
		default:
			at := now - event.Millis(rng.Int64N(int64(2*step)))
			if rng.IntN(12) == 0 {
				at -= event.Millis(rng.Int64N(int64(2 * window)))
			}
			r.received = at + event.Millis(rng.Int64N(2000))
			switch rng.IntN(15) {
			case 0:
				r.received = at - event.Millis(rng.Int64N(int64(event.FutureAfter)))
			case 1:
				r.received = at - event.FutureAfter - event.Millis(rng.Int64N(3))
			case 2:
				at += event.Millis(rng.Int64N(20 * 3_600_000)) // a clock far ahead
			}
			r.event = event.Event{
				ID:        fmt.Sprint(rng.IntN(40)),
				Type:      []string{"view", "view", "view", "view", "purchase", "add_to_cart"}[rng.IntN(6)],
				Timestamp: at, UserID: "u", Quantity: 1,
				ProductID: []string{"a", "b", "c"}[rng.IntN(3)],
			}
			if rng.IntN(8) == 0 { // on a window's very edge
				r.event.Timestamp -= r.event.Timestamp % step
			}
			now += event.Millis(rng.Int64N(int64(step)))
			if rng.IntN(60) == 0 {
				now += event.Millis(rng.Int64N(100 * 24 * 3_600_000))
			}
		}
		if r.kind == isEvent {
			events = append(events, r)
		}
		if r.kind == isEvent || r.kind == isPoison {
			lastValue = offset
		}
		m.log = append(m.log, r)
		offset++
		if rng.IntN(20) == 0 {
			offset += rng.Int64N(3)
		}
	}
	return m
}
