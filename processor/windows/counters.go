package windows

// counters are those of one product, one slot a window, in a ring that
// is as long as the product needs.
type counters struct {
	ring []slot // a power of two long; window k is at k modulo its length
	// The slots of windows lo to hi mean something; others hold leftovers.
	lo, hi int64
}

// slot is one product in one window. Views and purchases only grow, so a window
// begins to qualify at most once, at a view, and ceases to at most once, at a
// purchase.
type slot struct {
	views, purchases uint32

	ever    bool  // the window has qualified at least once
	dirty   bool  // it is in the list of windows whose state may have changed
	emitted state // what the alerts topic holds of it
}

// state is that of an open window's alert, if there is one.
type state uint8

const (
	silent state = iota // the window has never qualified
	firing
	retracted
)

func (c *counters) slot(k int64) *slot { return &c.ring[k&int64(len(c.ring)-1)] }

// cover makes the slots of windows from to to usable, and keeps those of
// earlier calls from window open on.
func (c *counters) cover(from, to, open int64) {
	lo, hi := max(c.lo, open), c.hi
	if lo > hi { // nothing to keep
		lo, hi = from, from-1
	}
	newLo, newHi := min(lo, from), max(hi, to)
	if span := newHi - newLo + 1; span > int64(len(c.ring)) {
		grown := make([]slot, ceilPow2(span))
		mask := int64(len(grown) - 1)
		for k := lo; k <= hi; k++ {
			grown[k&mask] = *c.slot(k)
		}
		c.ring = grown
	}
	for k := newLo; k < lo; k++ {
		*c.slot(k) = slot{}
	}
	for k := hi + 1; k <= newHi; k++ {
		*c.slot(k) = slot{}
	}
	c.lo, c.hi = newLo, newHi
}

func ceilPow2(n int64) int64 {
	size := int64(1)
	for size < n {
		size *= 2
	}
	return size
}
