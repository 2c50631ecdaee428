package windows

import (
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Counts are how many records of each kind a partition has taken, from
// CountFrom on.
type Counts struct {
	Events       int64 // valid events, duplicates, late and future ones included
	Duplicates   int64 // later copies of events whose ids are remembered
	Late         int64 // events none of whose windows was open any more
	Future       int64 // events too far ahead of their receive time
	Invalid      int64 // records with a value that are no valid event
	Ticks        int64 // valid ticks
	InvalidTicks int64 // records marked as ticks that no longer apply
	Rules        int64 // valid control records that put a rule set in force
	InvalidRules int64 // such records while too many sets had open windows

	// Events that counted, but whose ids were not remembered: a later copy counts
	// again.
	UnrememberedIDs int64
	// Events that were not counted, as their products were not remembered.
	UnrememberedProducts int64
}

// Add adds another's counts.
func (c *Counts) Add(d Counts) {
	c.Events += d.Events
	c.Duplicates += d.Duplicates
	c.Late += d.Late
	c.Future += d.Future
	c.Invalid += d.Invalid
	c.Ticks += d.Ticks
	c.InvalidTicks += d.InvalidTicks
	c.Rules += d.Rules
	c.InvalidRules += d.InvalidRules
	c.UnrememberedIDs += d.UnrememberedIDs
	c.UnrememberedProducts += d.UnrememberedProducts
}

// take counts what became of an event.
func (c *Counts) take(done outcome) {
	if done&duplicate != 0 {
		c.Duplicates++
	}
	if done&unrememberedID != 0 {
		c.UnrememberedIDs++
	}
	if done&unrememberedProduct != 0 {
		c.UnrememberedProducts++
	}
}

// Unremembered are the events whose id or product was not remembered.
func (c *Counts) Unremembered() int64 { return c.UnrememberedIDs + c.UnrememberedProducts }

// KeyHashes has ids remembered by hashes of this key, which is to be given before
// the first record. All who read one log give the same.
func (p *Partition) KeyHashes(key event.HashKey) { p.hashKey = key }

// CountFrom has Counts count the records from offset on.
func (p *Partition) CountFrom(offset int64) { p.countFrom = offset }

// OnLeftOut has f called for each event that Counts takes for late or future.
func (p *Partition) OnLeftOut(f func(offset int64, future bool)) { p.leftOut = f }

func (p *Partition) Counts() Counts { return p.counts }

// Offset is the next record's.
func (p *Partition) Offset() int64 { return p.offset }

// Acknowledged is the offset up to which the alerts were acknowledged, by this
// reading or an earlier one.
func (p *Partition) Acknowledged() int64 { return p.acknowledged }

// Rebuilding says that an earlier reading got further: nothing is emitted or
// committed before this one is there too.
func (p *Partition) Rebuilding() bool { return p.rebuilding }

// LastValue is the offset of the last record with a value, or -1.
func (p *Partition) LastValue() int64 { return p.lastValue }

// Watermark is that of W3, or None.
func (p *Partition) Watermark() event.Millis { return p.watermark }

// EventWatermark is the part of the watermark that events alone have moved, or
// None.
func (p *Partition) EventWatermark() event.Millis { return p.eventWatermark }

// NewestEvent is the time that the event watermark follows by the lateness.
func (p *Partition) NewestEvent() event.Millis { return p.eventWatermark + p.late }

// Quiet is the last valid tick's, if no event has moved the event watermark
// since.
func (p *Partition) Quiet() event.Millis { return p.quiet }

// InForce is the rule set that judges the windows of the newest events.
func (p *Partition) InForce() *rules.Set { return p.generations[len(p.generations)-1].set }

// Products is the number of products with events in open windows, those of each
// rule set on their own.
func (p *Partition) Products() (n int) {
	for _, g := range p.generations {
		n += g.names.n
	}
	return n
}

// OpenWindows is the number of open windows, of all rules, with events in them.
func (p *Partition) OpenWindows() (n int64) {
	p.eachCounted(func(_ *ruled, from, to int64) { n += to - from + 1 })
	return n
}

// Unclosed are the first and the last end of the open windows with events in
// them, if there are any.
func (p *Partition) Unclosed() (first, last event.Millis, open bool) {
	p.eachCounted(func(r *ruled, from, to int64) {
		if !open {
			first, last, open = r.end(from), r.end(to), true
		}
		first, last = min(first, r.end(from)), max(last, r.end(to))
	})
	return first, last, open
}

// eachCounted calls f with open windows in which events were counted: from the
// first to the last of some, each window once.
func (p *Partition) eachCounted(f func(r *ruled, from, to int64)) {
	for _, g := range p.generations {
		for i := range g.rules {
			r := &g.rules[i]
			next := int64(lowest)
			for k := g.panes.low; k <= g.panes.high; k++ {
				if g.panes.at(k).first.offset < 0 {
					continue
				}
				if from, to := r.windows(k); max(from, next) <= to {
					f(r, max(from, next), to)
					next = to + 1
				}
			}
		}
	}
}

// Taking are the windows of one rule that hold an event's time.
type Taking struct {
	Rule   string         // its definition
	Window event.Millis   // how long they are
	Starts []event.Millis // of those in which it could count
	Gone   int64          // those before them that are closed or not judged
}

// Taking are the windows that hold the time t of the event that was taken last,
// for each rule with open windows.
func (p *Partition) Taking(t event.Millis) (taking []Taking) {
	for _, g := range p.generations {
		for i := range g.rules {
			r := &g.rules[i]
			last := floorDiv(int64(t), r.slide)
			first, to := max(last-r.slides+1, r.from), min(last, r.to)
			if first > to {
				continue
			}
			at := Taking{Rule: r.definition, Window: r.length()}
			from := min(max(first, r.open, r.judged), to+1)
			for k := from; k <= to; k++ {
				at.Starts = append(at.Starts, r.start(k))
			}
			at.Gone = from - first
			taking = append(taking, at)
		}
	}
	return taking
}
