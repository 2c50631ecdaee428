package windows

import (
	"slices"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// ruled are the windows of a generation under one rule of its set. A window's
// number is its start divided by the rule's slide.
type ruled struct {
	index      int // of the rule in its set
	definition string
	slide      int64 // ms
	step       int64 // panes in a slide
	slides     int64 // in a window

	// A window qualifies only with more than so many events in the column needs,
	// or, if that is -1, in all of them.
	needs int
	more  uint32
	// A bounded rule asks for nothing but counts between bounds. A window's state
	// can change only where the count of a column becomes one of its turns.
	bounded bool
	turns   [][2]uint32

	// Windows from open on are open. Lower ones are closed, or were before the
	// first event.
	open int64
	// Windows from and to, and those in between, are this generation's; of them,
	// those from judged on are judged.
	from, to, judged int64

	qualified qualifiedLists
	// Of the partition; nil while it is being rebuilt, when what qualifies may lack
	// events, and the alerts topic says what has.
	episodes *ruleEpisodes
}

func newRuled(set *rules.Set, index int, pane int64) ruled {
	rule := set.Rules()[index]
	r := ruled{
		index:      index,
		definition: set.Definition(index),
		slide:      rule.Slide.Milliseconds(),
		slides:     int64(rule.Window / rule.Slide),
		bounded:    true,
		open:       lowest,
		from:       lowest,
		judged:     lowest,
		to:         highest,
	}
	r.step = r.slide / pane
	r.needs, r.more = set.Needs(index)
	for column := range set.Types() {
		least, most, alone := set.Bounds(index, column)
		r.turns = append(r.turns, [2]uint32{least, most + 1})
		r.bounded = r.bounded && alone
	}
	return r
}

// windows are the first and the last in which an event of the pane counts, if the
// first is not above the last.
func (r *ruled) windows(pane int64) (from, to int64) {
	last := r.last(pane)
	return max(last-r.slides+1, r.open, r.judged), min(last, r.to)
}

// last is the last window that holds the pane.
func (r *ruled) last(pane int64) int64 {
	if r.step == 1 {
		return pane
	}
	return floorDiv(pane, r.step)
}

// holds says whether an open window of the generation holds the pane.
func (r *ruled) holds(pane int64) bool {
	last := r.last(pane)
	return max(last-r.slides+1, r.open, r.from) <= min(last, r.to)
}

// pane is the first of window k.
func (r *ruled) pane(k int64) int64 {
	if k == lowest || k == highest {
		return k
	}
	return k * r.step
}

// openAt is the first window that ends after watermark.
func (r *ruled) openAt(watermark event.Millis) int64 {
	return floorDiv(int64(watermark), r.slide) - r.slides + 1
}

// startingAt is the first window that does not begin before t.
func (r *ruled) startingAt(t event.Millis) int64 { return floorDiv(int64(t)-1, r.slide) + 1 }

func (r *ruled) length() event.Millis { return event.Millis(r.slides * r.slide) }

func (r *ruled) start(k int64) event.Millis { return event.Millis(k * r.slide) }

func (r *ruled) end(k int64) event.Millis { return event.Millis((k + r.slides) * r.slide) }

// qualifiedLists are, for the windows that have qualified for some products,
// lists of these, in the order of the windows.
type qualifiedLists []qualifiedList

type qualifiedList struct {
	window   int64
	products []qualified
}

// qualified is a product for which a window has qualified, and the counts with
// which its firing alert was given last; both are 0 where this reading has not
// given it.
type qualified struct {
	product          int32
	views, purchases uint32
}

func (l qualifiedLists) find(window int64) (int, bool) {
	return slices.BinarySearchFunc(l, window, func(at qualifiedList, window int64) int {
		return int(min(max(at.window-window, -1), 1))
	})
}

// at is the entry of a product that was added.
func (l qualifiedLists) at(window int64, entry int) *qualified {
	i, _ := l.find(window)
	return &l[i].products[entry]
}

// add adds a product to the list of a window and returns its entry there.
func (l *qualifiedLists) add(window int64, product int32) int {
	i, ok := l.find(window)
	if !ok {
		*l = slices.Insert(*l, i, qualifiedList{window: window})
	}
	list := &(*l)[i]
	list.products = append(list.products, qualified{product: product})
	return len(list.products) - 1
}

// given remembers with which counts a firing alert was given.
func (q *qualified) given(counts []uint32) {
	q.views, q.purchases = counts[viewColumn], counts[purchaseColumn]
}

// moved says whether the counts are others than those given last.
func (q *qualified) moved(counts []uint32) bool {
	return q.views != counts[viewColumn] || q.purchases != counts[purchaseColumn]
}

// Columns that every set has.
const (
	viewColumn = iota
	purchaseColumn
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
