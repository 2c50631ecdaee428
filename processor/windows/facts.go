package windows

import "clickstream/internal/event"

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

// Products is the number of products with events in open windows.
func (p *Partition) Products() int { return p.generation.names.n }

// OpenWindows is the number of open windows with events in them.
func (p *Partition) OpenWindows() (n int64) {
	g := p.generation
	for k := g.windows.low; k <= g.windows.high; k++ {
		if g.windows.at(k).counted {
			n++
		}
	}
	return n
}

// Unclosed are the first and the last end of the open windows with events in
// them, if there are any.
func (p *Partition) Unclosed() (first, last event.Millis, open bool) {
	g := p.generation
	for k := g.windows.low; k <= g.windows.high; k++ {
		if g.windows.at(k).counted {
			if !open {
				first, open = g.end(k), true
			}
			last = g.end(k)
		}
	}
	return first, last, open
}

// Taking are the starts of the windows in which the event of time t that was
// taken last could count, and the number of those before them that hold its
// time too, but are closed or not judged.
func (p *Partition) Taking(t event.Millis) (starts []event.Millis, gone int64) {
	g := p.generation
	pane := floorDiv(int64(t), g.slide)
	first := pane - g.panes + 1
	from := min(max(first, g.open, g.judged), pane+1)
	for k := from; k <= pane; k++ {
		starts = append(starts, g.start(k))
	}
	return starts, from - first
}
