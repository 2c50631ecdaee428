package windowstest

import (
	"cmp"
	"fmt"
	"slices"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Model says what W1 to W5, W8 and W9 say, in straight loops over the whole log, and
// remembers nothing from one question to the next.
type Model struct {
	Rule event.Rule // judges the log from its beginning on, where Set is nil
	Set  *rules.Set
	Log  []Record
	Cut  bool // the log does not begin at its true beginning
}

// First is the set that judges the log from its beginning on.
func (m Model) First() *rules.Set {
	if m.Set != nil {
		return m.Set
	}
	set, err := rules.FlashSale(m.Rule)
	if err != nil {
		panic(err)
	}
	return set
}

// Lookup finds any set of the log.
func (m Model) Lookup(hash string) (*rules.Set, error) {
	for _, c := range m.changes() {
		if c.set.Hash() == hash {
			return c.set, nil
		}
	}
	return nil, fmt.Errorf("no set has the hash %s", hash)
}

// None is the watermark before the first event.
const none = event.Millis(-1 << 63)

func (r Record) future() bool { return r.Event.Timestamp > r.Received+event.FutureAfter }

// change puts a set in force for the windows that start after a time.
type change struct {
	set   *rules.Set
	after event.Millis
}

// changes are those of the whole log, the set of its beginning included.
func (m Model) changes() []change {
	all := []change{{m.First(), none}}
	newest := none
	for _, r := range m.Log {
		switch {
		case r.Kind == IsRules && r.Set.Hash() != all[len(all)-1].set.Hash():
			all = append(all, change{r.Set, newest})
		case r.Kind == IsEvent && !r.future():
			newest = max(newest, r.Event.Timestamp)
		}
	}
	return all
}

// judging is the change that judges windows that start at a time: the last of
// those after which they start.
func judging(changes []change, start event.Millis) int {
	last := 0
	for i, c := range changes {
		if c.after == none || start > c.after {
			last = i
		}
	}
	return last
}

// Watermarks are the watermark before each record (W3), and after the last.
func (m Model) Watermarks() []event.Millis {
	set := m.First()
	eventWatermark, watermark, lastValue := none, none, int64(-1)
	before := make([]event.Millis, 0, len(m.Log)+1)
	for _, r := range m.Log {
		before = append(before, watermark)
		switch r.Kind {
		case IsEvent:
			eventWatermark = max(eventWatermark, min(r.Event.Timestamp, r.Received)-event.Millis(set.Lateness().Milliseconds()))
			watermark = max(watermark, eventWatermark)
			lastValue = r.Offset
		case IsInvalid:
			lastValue = r.Offset
		case IsTick:
			if r.Tick.After == lastValue && eventWatermark != none {
				watermark = max(watermark, eventWatermark+r.Tick.Quiet)
			}
		case IsRules:
			set = r.Set
		}
	}
	return append(before, watermark)
}

// Window is one window of one product under a rule of a set.
type Window struct {
	Set        *rules.Set
	Rule       int
	Product    string
	Start, End event.Millis
}

// Holding are the windows that hold the event, each under the set that judges it.
func (m Model) Holding(e event.Event) []Window { return holding(m.changes(), e) }

func holding(changes []change, e event.Event) []Window {
	var found []Window
	for i, c := range changes {
		for n, rule := range c.set.Rules() {
			slide, window := event.Millis(rule.Slide.Milliseconds()), event.Millis(rule.Window.Milliseconds())
			for start := e.Timestamp - e.Timestamp%slide; start > e.Timestamp-window; start -= slide {
				if judging(changes, start) == i {
					found = append(found, Window{c.set, n, e.ProductID, start, start + window})
				}
			}
		}
	}
	return found
}

// verdict is what the log up to an offset says of a product's window.
type verdict struct {
	counts                  []uint32
	qualifies, ever, closed bool
	version                 int64 // of the record that closed it
	first                   int64 // the offset of the record by which it qualified first
}

func (v verdict) status() event.Status {
	switch {
	case !v.ever:
		return ""
	case !v.qualifies:
		return event.Retracted
	case v.closed:
		return event.Confirmed
	}
	return event.Firing
}

func (v verdict) views() int     { return int(v.counts[0]) }
func (v verdict) purchases() int { return int(v.counts[1]) }

func (m Model) judge(watermarks []event.Millis, w Window, upTo int64) verdict {
	v := verdict{counts: make([]uint32, rules.MaxTypes)}
	if m.Cut {
		for _, r := range m.Log {
			if r.Kind == IsEvent {
				if w.Start < r.Received+event.FutureAfter {
					return v
				}
				break
			}
		}
	}
	seen, types := map[string]bool{}, w.Set.Types()
	for i, r := range m.Log {
		if r.Offset >= upTo {
			break
		}
		e := r.Event
		column := slices.Index(types, e.Type)
		if r.Kind == IsEvent && watermarks[i] < w.End && e.ProductID == w.Product && e.Timestamp >= w.Start && e.Timestamp < w.End &&
			!r.future() && column >= 0 {
			if identity := e.Type + e.Timestamp.String() + e.ID; !seen[identity] {
				seen[identity] = true
				v.counts[column]++
				v.qualifies = w.Set.Qualifies(w.Rule, v.counts)
				if v.qualifies && !v.ever {
					v.ever, v.first = true, r.Offset
				}
			}
		}
		if watermarks[i+1] >= w.End {
			v.closed, v.version = true, r.Offset+1
			break
		}
	}
	return v
}

// alert is that of a window which has qualified.
type alert struct {
	verdict
	window  Window
	rule    string // its definition
	episode string
}

func (a alert) id() string { return event.AlertID(a.rule, a.window.Product, a.window.Start) }

// final are the alerts as they stand at the log's end, by id.
func (m Model) final(changes []change, watermarks []event.Millis) map[string]alert {
	var found []alert
	seen := map[Window]bool{}
	for _, r := range m.Log {
		if r.Kind != IsEvent || r.Event.ProductID == "" {
			continue
		}
		for _, w := range holding(changes, r.Event) {
			if seen[w] {
				continue
			}
			seen[w] = true
			if v := m.judge(watermarks, w, 1<<62); v.ever {
				found = append(found, alert{verdict: v, window: w, rule: w.Set.Definition(w.Rule)})
			}
		}
	}
	byID := map[string]alert{}
	for _, a := range inEpisodes(found) {
		byID[a.id()] = a
	}
	return byID
}

// inEpisodes goes through the windows in the order in which they qualified first,
// and says the episode of each.
func inEpisodes(found []alert) []alert {
	slices.SortFunc(found, func(a, b alert) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.window.Start, b.window.Start))
	})
	for i := range found {
		a := &found[i]
		a.episode = a.id()
		nearest := a.window.End - a.window.Start
		earlier := false
		for _, b := range found[:i] {
			if b.window.Product != a.window.Product || b.rule != a.rule {
				continue
			}
			far, before := b.window.Start-a.window.Start, b.window.Start < a.window.Start
			if before {
				far = -far
			}
			if far < nearest || far == nearest && !earlier {
				a.episode, nearest, earlier = b.episode, far, before
			}
		}
	}
	return found
}

// windowOf is the one of which an alert is.
func windowOf(changes []change, a event.Alert) (Window, bool) {
	start := event.MillisOf(a.WindowStart)
	set := changes[judging(changes, start)].set
	for i, rule := range set.Rules() {
		w := Window{set, i, a.ProductID, start, start + event.Millis(rule.Window.Milliseconds())}
		if a.Rule == set.Definition(i) && a.ID == set.AlertID(i, a.ProductID, start) && w.End == event.MillisOf(a.WindowEnd) {
			return w, true
		}
	}
	return Window{}, false
}
