package windows

import "clickstream/internal/event"

// counters are those of one product under one rule, a slot for each window, in a
// ring that is as long as the product needs. A slot is the window's counts by
// column, and its mark.
type counters struct {
	ring []uint32
	mask int64 // the ring has a power of two of slots; window k is at k modulo that
	// The slots of windows lo to hi mean something; others hold leftovers.
	lo, hi int64
	next   *counters // under the set's next rule
}

// slot is one product in one window: its counts by column, and its mark.
type slot []uint32

func (s slot) counts() []uint32 { return s[:len(s)-1] }
func (s slot) mark() *mark      { return (*mark)(&s[len(s)-1]) }

// mark says where a slot's window is in its alert's life. Above these bits is its
// entry: its place in the window's list of products that have qualified.
type mark uint32

const (
	qualifies mark = 1 << iota
	ever           // it has qualified at least once
	dirty          // it is in the list of windows whose state has changed since it was emitted

	entryShift = 3 // 29 bits are left: more products than memory holds
)

// status is that of an open window that has qualified at least once.
func (m mark) status() event.Status {
	if m&qualifies != 0 {
		return event.Firing
	}
	return event.Retracted
}

func (m mark) entry() int { return int(m >> entryShift) }

func (c *counters) slot(k int64, size int) slot {
	at := int(k&c.mask) * size
	return c.ring[at : at+size : at+size]
}

// cover makes the slots of windows from to to usable, and keeps those of
// earlier calls from window open on.
func (c *counters) cover(from, to, open int64, size int) {
	lo, hi := max(c.lo, open), c.hi
	if lo > hi { // nothing to keep
		lo, hi = from, from-1
	}
	newLo, newHi := min(lo, from), max(hi, to)
	if span := newHi - newLo + 1; span > int64(len(c.ring)/size) {
		slots := ceilPow2(span)
		grown := counters{ring: make([]uint32, slots*int64(size)), mask: slots - 1, next: c.next}
		for k := lo; k <= hi; k++ {
			copy(grown.slot(k, size), c.slot(k, size))
		}
		*c = grown
	}
	for k := newLo; k < lo; k++ {
		clear(c.slot(k, size))
	}
	for k := hi + 1; k <= newHi; k++ {
		clear(c.slot(k, size))
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
