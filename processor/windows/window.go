package windows

import "clickstream/internal/event"

// window is what a partition keeps beside the products' counters for the
// window with one number, and for the slide of event time that it begins with,
// its pane. Window k takes in the panes k to k+n-1, so a pane is needed exactly
// as long as the window of its own number is open.
type window struct {
	// Of the pane.
	ids    idSet
	missed bool  // there were more ids or products than are remembered
	first  place // before the first record that was counted in the pane

	// Of the window.
	counted   bool        // an event was counted in it
	qualified []qualified // products for which it has qualified
	products  int         // whose highest window it is
	ending    int32       // the first of those products that had no higher one when they were put there
}

// qualified is a product for which a window has qualified, and the counts with
// which its firing alert was given last; both are 0 where this reading has not
// given it.
type qualified struct {
	product          int32
	views, purchases uint32
}

// place is a point in a partition's log and what is known there of everything
// before it.
type place struct {
	offset         int64 // the next record's
	eventWatermark event.Millis
	watermark      event.Millis
	quiet          event.Millis // of the last valid tick since the event watermark moved, or 0
	lastValue      int64        // offset of the last record with a value, or -1
}

// None is the watermark before the first event: below every window's end.
const None event.Millis = -1 << 63

// windows holds the windows low to high of a partition in a ring.
type windows struct {
	ring      []window // a power of two long
	low, high int64    // empty when high < low
}

func newWindows(size int64) windows {
	w := windows{ring: make([]window, ceilPow2(size)), low: 0, high: -1}
	for i := range w.ring {
		w.ring[i] = emptyWindow
	}
	return w
}

var emptyWindow = window{first: place{offset: -1}, ending: none}

// at is window k, which must lie between low and high.
func (w *windows) at(k int64) *window { return &w.ring[k&int64(len(w.ring)-1)] }

// cover makes the windows from to to exist.
func (w *windows) cover(from, to int64) {
	if w.high < w.low {
		w.low, w.high = from, from-1
	}
	low, high := min(w.low, from), max(w.high, to)
	if span := high - low + 1; span > int64(len(w.ring)) {
		grown := newWindows(span)
		grown.low, grown.high = w.low, w.high
		for k := w.low; k <= w.high; k++ {
			*grown.at(k) = *w.at(k)
		}
		*w = grown
	}
	w.low, w.high = low, high
}

// drop empties the lowest window, whose slice is used again.
func (w *windows) drop(free *tables) {
	lowest := w.at(w.low)
	lowest.ids.clear(free)
	qualified := emptied(lowest.qualified)
	*lowest = emptyWindow
	lowest.qualified = qualified
	w.low++
}
