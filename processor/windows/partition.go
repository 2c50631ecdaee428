package windows

import (
	"strings"

	"clickstream/internal/event"
)

// idsPerPane is how many ids are remembered per partition and slide of event
// time: 16 MiB of hashes, and 17,000 views and purchases a second over a minute.
const idsPerPane = 1 << 20

// productsPerPane is how many products are remembered per partition and slide of
// event time: about 15 MiB, and 1.5 million products a minute of a log with
// twelve partitions.
const productsPerPane = 1 << 17

// Partition is the state of one partition of the log. It does no I/O and reads
// no clock: what it holds, and every alert it gives, is a function of the
// records passed to it, in the order of their offsets. One goroutine uses it.
type Partition struct {
	rule  event.Rule
	name  string // the rule's
	slide int64  // ms
	panes int64  // in a window
	late  event.Millis

	hashKey event.HashKey

	maxIDs, maxProducts int // per pane

	// What lies before the next record; first as a place to go back to.
	place
	// Windows from this number on are open. Lower ones are closed, or were
	// before the first event.
	open int64
	// Windows from this number on are judged; where retention has cut the log,
	// it is known only with the first event.
	judged       int64
	awaitsBounds bool

	windows  windows
	names    names
	products []product
	unused   int32 // the first place in products that is not in use
	cells    cells
	// A product with so many views and one more is no longer cold.
	coldViews uint32
	free      tables

	// The alerts topic holds everything up to this offset, by this reading of
	// the log or an earlier one. While rebuilding, this one has not come there.
	acknowledged int64
	rebuilding   bool
	more         string // fields of the commit's metadata that are not known here

	closed []event.Alert // final alerts not taken yet
	dirty  []windowOf    // open windows whose state may not be the one emitted

	countFrom int64
	leftOut   func(offset int64, future bool)
	counts    Counts
}

// windowOf is a product's window.
type windowOf struct {
	product int32
	number  int64
	// entry is its place in the window's list of products that have qualified,
	// or -1 once the window has ceased to qualify.
	entry int
}

const (
	lowest  = -1 << 63 // every window is open, or judged
	highest = 1<<63 - 1
)

// New is a partition of which nothing has been read, to start at
// offset start. If the log has been cut before it, windows are judged only
// where none of the events that are missing can count: from event.FutureAfter
// after the time at which the first event was received. They were received
// before, and an event that is further ahead counts in no window. The first
// event's own time says nothing of theirs: it may be late.
func New(rule event.Rule, start int64, cut bool) *Partition {
	p := &Partition{
		rule:   rule,
		name:   rule.String(),
		slide:  rule.Slide.Milliseconds(),
		panes:  int64(rule.Window / rule.Slide),
		late:   event.Millis(rule.Lateness.Milliseconds()),
		maxIDs: idsPerPane, maxProducts: productsPerPane,
		place:  place{offset: start, eventWatermark: None, watermark: None, lastValue: -1},
		open:   lowest,
		judged: lowest,
		names:  newNames(),
		unused: none,
		cells:  cells{unused: none},
	}
	p.coldViews = uint32(min(rule.ViewsOver, maxColdViews))
	p.windows = newWindows(p.panes)
	if cut {
		p.awaitsBounds, p.judged = true, highest
	}
	return p
}

// Event takes the valid event of the record at offset. It keeps none of e's
// strings.
func (p *Partition) Event(e *event.Event, received event.Millis, offset int64) {
	p.readTo(offset)
	counting := offset >= p.countFrom
	if counting {
		p.counts.Events++
	}
	if p.awaitsBounds {
		p.awaitsBounds = false
		p.judged = p.judgedFrom(received + event.FutureAfter)
	}
	before := p.place
	p.offset, p.lastValue = offset+1, offset
	// A window that ends at or below a watermark that this event gives does not
	// hold the event, which is younger by the lateness at least. So such windows
	// may be closed before the event is counted, and those it counts in are the
	// same as by the watermark before it (W5). Closing first keeps what is open
	// close together in time, however long nothing has come.
	if w := min(e.Timestamp, received) - p.late; w > p.eventWatermark {
		p.eventWatermark, p.quiet = w, 0
		p.advance(w)
	}
	switch pane := floorDiv(int64(e.Timestamp), p.slide); {
	case e.IsFuture(received):
		if counting {
			p.counts.Future++
			p.leaveOut(offset, true)
		}
	case pane < p.open:
		if counting {
			p.counts.Late++
			p.leaveOut(offset, false)
		}
	case e.Type == event.TypeView || e.Type == event.TypePurchase:
		if !p.count(e, pane, before) && counting {
			p.counts.Duplicates++
		}
	}
}

func (p *Partition) leaveOut(offset int64, future bool) {
	if p.leftOut != nil {
		p.leftOut(offset, future)
	}
}

// Invalid takes a record whose value is no valid event.
func (p *Partition) Invalid(offset int64) {
	p.readTo(offset)
	if offset >= p.countFrom {
		p.counts.Invalid++
	}
	p.offset, p.lastValue = offset+1, offset
}

// Skip takes a record without a value that is no tick, and control records.
func (p *Partition) Skip(offset int64) {
	p.readTo(offset)
	p.offset = offset + 1
}

// Tick takes a tick, which is valid only directly after the record it names,
// and means nothing before the first event.
func (p *Partition) Tick(t event.Tick, offset int64) {
	p.readTo(offset)
	p.offset = offset + 1
	valid := t.After == p.lastValue && p.eventWatermark != None
	if offset >= p.countFrom {
		if valid {
			p.counts.Ticks++
		} else {
			p.counts.InvalidTicks++
		}
	}
	if valid {
		p.quiet = min(t.Quiet, maxQuiet)
		p.advance(p.eventWatermark + p.quiet)
	}
}

// maxQuiet keeps the watermark within the numbers whatever a tick says: ten
// thousand years.
const maxQuiet = event.Millis(315_360_000_000_000)

// count counts a view or a purchase in its product's open windows, unless it
// is a later copy. What the partition held before the record is before.
func (p *Partition) count(e *event.Event, pane int64, before place) bool {
	from := p.firstWindow(pane)
	if from > pane {
		return true // in no window that is judged
	}
	p.windows.cover(from, pane)
	w := p.windows.at(pane)
	if w.first.offset < 0 {
		// Later events of the pane count in these windows or in fewer.
		w.first = before
		for k := from; k <= pane; k++ {
			p.windows.at(k).counted = true
		}
	}
	added, kept := w.ids.add(e.IdentityHash(p.hashKey), p.maxIDs, &p.free)
	if !added {
		return false
	}
	if !kept {
		p.missed(w, &p.counts.UnrememberedIDs)
	}
	i, ok := p.product(e.ProductID, pane)
	if !ok {
		p.missed(w, &p.counts.UnrememberedProducts)
		return true
	}
	pr, view := &p.products[i], e.Type == event.TypeView
	if pr.hot == nil {
		if p.countCold(pr, pane, view) {
			return true
		}
		p.heat(pr)
	}
	p.countHot(i, pr.hot, from, pane, view)
	return true
}

// firstWindow is the first in which an event of the pane counts, if that is not
// above the pane.
func (p *Partition) firstWindow(pane int64) int64 { return max(pane-p.panes+1, p.open, p.judged) }

// missed says that something of an event of w's pane was not remembered.
func (p *Partition) missed(w *window, count *int64) {
	w.missed = true
	if p.offset > p.countFrom {
		*count++
	}
}

// product finds the product of an event of the pane, or adds it. It is not ok
// where the pane and those after it hold as many products as are remembered, and
// not this one. What they hold does not depend on earlier panes, so a Partition
// that was resumed decides the same.
func (p *Partition) product(name string, pane int64) (place int32, ok bool) {
	hash := p.names.hash(name)
	i, known := p.names.find(name, hash, p.products)
	if known && p.products[i].hi >= pane {
		return i, true
	}
	if p.full(pane) {
		return 0, false
	}
	if known {
		p.windows.at(p.products[i].hi).products--
	} else {
		i = p.addProduct(name, hash)
		p.endsWith(pane, i)
	}
	p.windows.at(pane).products++
	p.products[i].hi = pane
	return i, true
}

// full says whether the pane and those after it hold as many products as are
// remembered.
func (p *Partition) full(pane int64) bool {
	n := 0
	for k := pane; k <= p.windows.high; k++ {
		n += p.windows.at(k).products
	}
	return n >= p.maxProducts
}

func (p *Partition) addProduct(name string, hash uint32) int32 {
	i := p.unused
	if i == none {
		i = int32(len(p.products))
		p.products = append(p.products, product{})
	} else {
		p.unused = p.products[i].next
	}
	p.products[i] = product{name: strings.Clone(name), cells: none}
	p.names.add(hash, i)
	return i
}

// endsWith puts a product into the list of those that may end with window k.
func (p *Partition) endsWith(k int64, i int32) {
	w := p.windows.at(k)
	p.products[i].next = w.ending
	w.ending = i
}

// advance raises the watermark and closes the windows that end at or below it.
func (p *Partition) advance(watermark event.Millis) {
	if watermark <= p.watermark {
		return
	}
	p.watermark = watermark
	p.open = p.openAt(watermark)
	// Only windows with something in them are gone through: an hour or a year
	// without events costs nothing.
	for p.windows.low <= p.windows.high && p.windows.low < p.open {
		p.close(p.windows.low)
		p.windows.drop(&p.free)
		p.free.release()
		p.shrink()
	}
}

// close gives the final alerts of the lowest window, and forgets the products
// that have no other.
func (p *Partition) close(k int64) {
	w := p.windows.at(k)
	if len(w.qualified) > 0 && p.offset > p.acknowledged {
		exact := p.exact(k)
		for _, q := range w.qualified {
			pr := &p.products[q.product]
			s := pr.hot.slot(k)
			status := event.Confirmed
			if p.state(s) != firing {
				status = event.Retracted
			}
			p.closed = append(p.closed, p.alert(pr, s, k, status, exact))
		}
	}
	for i := w.ending; i != none; {
		next := p.products[i].next
		if hi := p.products[i].hi; hi > k {
			p.endsWith(hi, i)
		} else {
			p.forget(i)
		}
		i = next
	}
}

// forget gives up the place of a product.
func (p *Partition) forget(i int32) {
	pr := &p.products[i]
	p.names.remove(p.names.hash(pr.name), i)
	p.cells.clear(pr)
	*pr = product{hi: lowest, cells: none, next: p.unused}
	p.unused = i
}

// exact says whether all ids and products of window k were remembered.
func (p *Partition) exact(k int64) bool {
	for pane := k; pane < k+p.panes && pane <= p.windows.high; pane++ {
		if p.windows.at(pane).missed {
			return false
		}
	}
	return true
}

// openAt is the first window that ends after watermark.
func (p *Partition) openAt(watermark event.Millis) int64 {
	return floorDiv(int64(watermark), p.slide) - p.panes + 1
}

// judgedFrom is the first window that does not begin before t.
func (p *Partition) judgedFrom(t event.Millis) int64 { return floorDiv(int64(t)+p.slide-1, p.slide) }

func (p *Partition) start(k int64) event.Millis { return event.Millis(k * p.slide) }

func (p *Partition) end(k int64) event.Millis { return event.Millis((k + p.panes) * p.slide) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
