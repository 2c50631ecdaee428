package windows

import "clickstream/internal/event"

// pane is what a generation keeps, beside the products' counts, for a pane: the
// stretch of event time that divides the slides of all rules. A pane is needed as
// long as a window that holds it is open.
type pane struct {
	ids      idSet
	missed   bool  // there were more ids or products than are remembered
	first    place // before the first record that was counted in the pane
	products int   // whose highest pane it is
	ending   int32 // the first of those products that had no higher one when they were put there
}

// place is a point in a partition's log and what is known there of everything
// before it.
type place struct {
	offset         int64 // the next record's
	eventWatermark event.Millis
	watermark      event.Millis
	quiet          event.Millis // of the last valid tick since the event watermark moved, or 0
	lastValue      int64        // offset of the last record with a value, or -1
	newest         event.Millis // the highest time of a valid event that is not future
}

// None is the watermark before the first event: below every window's end.
const None event.Millis = -1 << 63

// panes holds the panes low to high of a generation in a ring.
type panes struct {
	ring      []pane // a power of two long
	low, high int64  // empty when high < low
}

func newPanes(size int64) panes {
	p := panes{ring: make([]pane, ceilPow2(size)), low: 0, high: -1}
	for i := range p.ring {
		p.ring[i] = emptyPane
	}
	return p
}

var emptyPane = pane{first: place{offset: -1}, ending: none}

// at is pane k, which must lie between low and high.
func (p *panes) at(k int64) *pane { return &p.ring[k&int64(len(p.ring)-1)] }

// cover makes pane k exist.
func (p *panes) cover(k int64) {
	if p.high < p.low {
		p.low, p.high = k, k-1
	}
	low, high := min(p.low, k), max(p.high, k)
	if span := high - low + 1; span > int64(len(p.ring)) {
		grown := newPanes(span)
		grown.low, grown.high = p.low, p.high
		for k := p.low; k <= p.high; k++ {
			*grown.at(k) = *p.at(k)
		}
		*p = grown
	}
	p.low, p.high = low, high
}

// drop empties the lowest pane.
func (p *panes) drop(free *tables) {
	lowest := p.at(p.low)
	lowest.ids.clear(free)
	*lowest = emptyPane
	p.low++
}
