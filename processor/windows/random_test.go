package windows

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows/windowstest"
)

func (p *Partition) take(r windowstest.Record) {
	switch r.Kind {
	case windowstest.IsEvent:
		p.Event(&r.Event, r.Received, r.Offset)
	case windowstest.IsTick:
		p.Tick(r.Tick, r.Offset)
	case windowstest.IsInvalid:
		p.Invalid(r.Offset)
	case windowstest.IsRules:
		p.Rules(r.Set, r.Offset)
	default:
		p.Skip(r.Offset)
	}
}

const noon = event.Millis(1_700_000_000_000 - 1_700_000_000_000%3_600_000)

// flashSale is the set of one rule.
func flashSale(rule event.Rule) *rules.Set { return windowstest.Model{Rule: rule}.First() }

// lookup finds the set of one rule, also by the hash that it has in metadata of
// version 1.
func lookup(rule event.Rule) func(string) (*rules.Set, error) {
	m := windowstest.Model{Rule: rule}
	return func(hash string) (*rules.Set, error) {
		if hash == rule.Hash() {
			return m.First(), nil
		}
		return m.Lookup(hash)
	}
}

// randomSet is a few small rules, over slides that may differ.
func randomSet(rng *rand.Rand, base time.Duration) *rules.Set {
	conditions := []string{
		fmt.Sprintf("views > %d && purchases < %d", rng.IntN(4), 1+rng.IntN(3)),
		fmt.Sprintf("views > %d && views < 6 && carts < 2", rng.IntN(3)),
		"views > 1 && conversion_rate < 50",
		"carts > 1 || purchases > 1",
		"views + carts > 2 && purchases < 2",
		"!(views < 2) && carts != 1",
		"purchases > views",
		"views > 6 && purchases < 4",
		"views + carts > 5",
		"views > 4 && carts > 0 && conversion_rate < 90",
	}
	var of []rules.Rule
	for i := range 1 + rng.IntN(3) {
		slide := base * time.Duration(1+rng.IntN(3))
		of = append(of, rules.Rule{
			Name: fmt.Sprintf("rule_%d", i), When: conditions[rng.IntN(len(conditions))],
			Slide: slide, Window: slide * time.Duration(1+rng.IntN(4)),
		})
	}
	set, err := rules.New(time.Duration(rng.Int64N(int64(3*base/time.Millisecond)))*time.Millisecond, of)
	if err != nil {
		panic(err)
	}
	return set
}

// withAnother is a set with the rules of another one, of the same definitions, and
// one more.
func withAnother(set *rules.Set) *rules.Set {
	of := append([]rules.Rule{{Name: "another", When: "carts > 0", Window: set.Rules()[0].Window, Slide: set.Rules()[0].Slide}}, set.Rules()...)
	more, err := rules.New(set.Lateness(), of)
	if err != nil {
		panic(err)
	}
	return more
}

// randomModel is a small rule and a log with everything in it that a log may
// have: stragglers, clocks that are ahead, copies, copies that differ, gaps in
// the offsets and in time, ticks that apply and that do not. Half of the logs are
// judged by sets of rules, which change.
func randomModel(rng *rand.Rand) windowstest.Model {
	slide := []time.Duration{time.Second, 10 * time.Second, time.Minute}[rng.IntN(3)]
	m := windowstest.Model{Rule: event.Rule{
		ViewsOver:      rng.IntN(4),
		PurchasesUnder: 1 + rng.IntN(3),
		Slide:          slide,
		Window:         slide * time.Duration(1+rng.IntN(5)),
		Lateness:       time.Duration(rng.Int64N(int64(3*slide/time.Millisecond))) * time.Millisecond,
	}}
	var sets []*rules.Set
	if rng.IntN(2) == 0 {
		sets = []*rules.Set{m.First(), randomSet(rng, slide), randomSet(rng, slide)}
		if rng.IntN(2) == 0 {
			sets[2] = withAnother(sets[1])
		}
		m.Set = sets[rng.IntN(len(sets))]
	}
	changes := 0
	step := event.Millis(slide.Milliseconds())
	window := event.Millis(m.Rule.Window.Milliseconds())
	now, offset, lastValue := noon+event.Millis(rng.Int64N(1_000_000)), int64(0), int64(-1)
	var events []windowstest.Record
	for n := 10 + rng.IntN(90); n > 0; n-- {
		r := windowstest.Record{Offset: offset}
		switch d := rng.IntN(100); {
		case sets != nil && changes < maxGenerations-1 && rng.IntN(16) == 0:
			changes++
			r.Kind, r.Set = windowstest.IsRules, sets[rng.IntN(len(sets))]
		case d < 4:
			r.Kind = windowstest.IsInvalid
		case d < 7:
			r.Kind = windowstest.IsNothing
		case d < 17:
			r.Kind = windowstest.IsTick
			r.Tick = event.Tick{After: lastValue, Quiet: event.Millis(rng.Int64N(int64(2*window + 2*step)))}
			switch rng.IntN(6) {
			case 0:
				r.Tick.After -= 1 + rng.Int64N(3)
			case 1:
				if len(events) > 0 {
					r.Tick.After = events[rng.IntN(len(events))].Offset
				}
			}
		case d < 30 && len(events) > 0:
			copied := events[rng.IntN(len(events))]
			r.Event, r.Received = copied.Event, copied.Received
			if rng.IntN(2) == 0 {
				r.Event.Price, r.Event.HasPrice, r.Event.UserID = rng.Int64N(100), true, "someone else"
				r.Received += event.Millis(rng.Int64N(600_000))
			}
		default:
			at := now - event.Millis(rng.Int64N(int64(2*step)))
			if rng.IntN(12) == 0 {
				at -= event.Millis(rng.Int64N(int64(2 * window)))
			}
			r.Received = at + event.Millis(rng.Int64N(2000))
			switch rng.IntN(15) {
			case 0:
				r.Received = at - event.Millis(rng.Int64N(int64(event.FutureAfter)))
			case 1:
				r.Received = at - event.FutureAfter - event.Millis(rng.Int64N(3))
			case 2:
				at += event.Millis(rng.Int64N(20 * 3_600_000)) // a clock far ahead
			}
			r.Event = event.Event{
				ID:        fmt.Sprint(rng.IntN(40)),
				Type:      []string{"view", "view", "view", "view", "purchase", "add_to_cart"}[rng.IntN(6)],
				Timestamp: at, UserID: "u", Quantity: 1,
				ProductID: []string{"a", "b", "c"}[rng.IntN(3)],
			}
			if rng.IntN(8) == 0 { // on a window's very edge
				r.Event.Timestamp -= r.Event.Timestamp % step
			}
			now += event.Millis(rng.Int64N(int64(step)))
			if rng.IntN(60) == 0 {
				now += event.Millis(rng.Int64N(100 * 24 * 3_600_000))
			}
		}
		if r.Kind == windowstest.IsEvent {
			events = append(events, r)
		}
		if r.Kind == windowstest.IsEvent || r.Kind == windowstest.IsInvalid {
			lastValue = offset
		}
		m.Log = append(m.Log, r)
		offset++
		if rng.IntN(20) == 0 {
			offset += rng.Int64N(3)
		}
	}
	return m
}

// countsOf are W5's and E3's numbers over the model's whole log.
func countsOf(m windowstest.Model) Counts {
	watermarks := m.Watermarks()
	var c Counts
	seen := map[string]bool{}
	lastValue, first := int64(-1), false
	for i, r := range m.Log {
		switch e := r.Event; r.Kind {
		case windowstest.IsInvalid:
			c.Invalid++
			lastValue = r.Offset
		case windowstest.IsRules:
			c.Rules++
		case windowstest.IsTick:
			if r.Tick.After == lastValue && first {
				c.Ticks++
			} else {
				c.InvalidTicks++
			}
		case windowstest.IsEvent:
			c.Events++
			lastValue, first = r.Offset, true
			open, counted := false, false
			for _, w := range m.Holding(e) {
				if watermarks[i] < w.End {
					open, counted = true, counted || slices.Contains(w.Set.Types(), e.Type)
				}
			}
			identity := e.ProductID + e.Type + e.Timestamp.String() + e.ID
			switch {
			case e.Timestamp > r.Received+event.FutureAfter:
				c.Future++
			case !open:
				c.Late++
			case !counted:
			case seen[identity]:
				c.Duplicates++
			default:
				seen[identity] = true
			}
		}
	}
	return c
}
