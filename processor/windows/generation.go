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

type limits struct{ maxIDs, maxProducts int } // per pane

// generation holds the windows of a partition that one rule judges, and what is
// in them.
type generation struct {
	rule   event.Rule
	name   string // the rule's
	slide  int64  // ms
	panes  int64  // in a window
	limits *limits

	// Windows from this number on are open. Lower ones are closed, or were
	// before the first event.
	open int64
	// Windows from this number on are judged.
	judged int64

	windows  windows
	names    names
	products []product
	unused   int32 // the first place in products that is not in use
	cells    cells
	// A product with so many views and one more is no longer cold.
	coldViews uint32
	free      tables

	dirty []windowOf // open windows whose state may not be the one emitted
}

// windowOf is a product's window.
type windowOf struct {
	product int32
	number  int64
	// entry is its place in the window's list of products that have qualified,
	// or -1 once the window has ceased to qualify.
	entry int
}

// outcome is what became of an event that is neither late nor future.
type outcome uint8

const (
	duplicate outcome = 1 << iota // a later copy: it was not counted
	unrememberedID
	unrememberedProduct // it was not counted
)

func newGeneration(rule event.Rule, l *limits) *generation {
	g := &generation{
		rule:      rule,
		name:      rule.String(),
		slide:     rule.Slide.Milliseconds(),
		panes:     int64(rule.Window / rule.Slide),
		limits:    l,
		open:      lowest,
		judged:    lowest,
		names:     newNames(),
		unused:    none,
		cells:     cells{unused: none},
		coldViews: uint32(min(rule.ViewsOver, maxColdViews)),
	}
	g.windows = newWindows(g.panes)
	return g
}

// count counts a view or a purchase in its product's windows from to pane, unless
// it is a later copy. What the partition held before the record is before.
func (g *generation) count(e *event.Event, hash uint64, from, pane int64, before *place) (done outcome) {
	g.windows.cover(from, pane)
	w := g.windows.at(pane)
	if w.first.offset < 0 {
		// Later events of the pane count in these windows or in fewer.
		w.first = *before
		for k := from; k <= pane; k++ {
			g.windows.at(k).counted = true
		}
	}
	added, kept := w.ids.add(hash, g.limits.maxIDs, &g.free)
	if !added {
		return duplicate
	}
	if !kept {
		w.missed, done = true, unrememberedID
	}
	i, ok := g.product(e.ProductID, pane)
	if !ok {
		w.missed = true
		return done | unrememberedProduct
	}
	pr, view := &g.products[i], e.Type == event.TypeView
	if pr.hot == nil {
		if g.countCold(pr, pane, view) {
			return done
		}
		g.heat(pr)
	}
	g.countHot(i, pr.hot, from, pane, view)
	return done
}

// firstWindow is the first in which an event of the pane counts, if that is not
// above the pane.
func (g *generation) firstWindow(pane int64) int64 { return max(pane-g.panes+1, g.open, g.judged) }

// product finds the product of an event of the pane, or adds it. It is not ok
// where the pane and those after it hold as many products as are remembered, and
// not this one. What they hold does not depend on earlier panes, so a Partition
// that was resumed decides the same.
func (g *generation) product(name string, pane int64) (place int32, ok bool) {
	hash := g.names.hash(name)
	i, known := g.names.find(name, hash, g.products)
	if known && g.products[i].hi >= pane {
		return i, true
	}
	if g.full(pane) {
		return 0, false
	}
	if known {
		g.windows.at(g.products[i].hi).products--
	} else {
		i = g.addProduct(name, hash)
		g.endsWith(pane, i)
	}
	g.windows.at(pane).products++
	g.products[i].hi = pane
	return i, true
}

// full says whether the pane and those after it hold as many products as are
// remembered.
func (g *generation) full(pane int64) bool {
	n := 0
	for k := pane; k <= g.windows.high; k++ {
		n += g.windows.at(k).products
	}
	return n >= g.limits.maxProducts
}

func (g *generation) addProduct(name string, hash uint32) int32 {
	i := g.unused
	if i == none {
		i = int32(len(g.products))
		g.products = append(g.products, product{})
	} else {
		g.unused = g.products[i].next
	}
	g.products[i] = product{name: strings.Clone(name), cells: none}
	g.names.add(hash, i)
	return i
}

// endsWith puts a product into the list of those that may end with window k.
func (g *generation) endsWith(k int64, i int32) {
	w := g.windows.at(k)
	g.products[i].next = w.ending
	w.ending = i
}

// advance closes the windows that end at or below watermark, and returns their
// final alerts with this version, if they are wanted.
func (g *generation) advance(watermark event.Millis, version int64, wanted bool) (final []event.Alert) {
	g.open = g.openAt(watermark)
	// Only windows with something in them are gone through: an hour or a year
	// without events costs nothing.
	for g.windows.low <= g.windows.high && g.windows.low < g.open {
		if wanted {
			final = g.judge(g.windows.low, version, final)
		}
		g.close(g.windows.low)
		g.windows.drop(&g.free)
		g.free.release()
		g.shrink()
	}
	return final
}

// judge appends the final alerts of a window.
func (g *generation) judge(k, version int64, final []event.Alert) []event.Alert {
	w := g.windows.at(k)
	if len(w.qualified) == 0 {
		return final
	}
	exact := g.exact(k)
	for _, q := range w.qualified {
		pr := &g.products[q.product]
		s := pr.hot.slot(k)
		status := event.Confirmed
		if g.state(s) != firing {
			status = event.Retracted
		}
		final = append(final, g.alert(pr, s, k, status, exact, version))
	}
	return final
}

// close forgets the products that have no window after the lowest.
func (g *generation) close(k int64) {
	for i := g.windows.at(k).ending; i != none; {
		next := g.products[i].next
		if hi := g.products[i].hi; hi > k {
			g.endsWith(hi, i)
		} else {
			g.forget(i)
		}
		i = next
	}
}

// forget gives up the place of a product.
func (g *generation) forget(i int32) {
	pr := &g.products[i]
	g.names.remove(g.names.hash(pr.name), i)
	g.cells.clear(pr)
	*pr = product{hi: lowest, cells: none, next: g.unused}
	g.unused = i
}

// exact says whether all ids and products of window k were remembered.
func (g *generation) exact(k int64) bool {
	for pane := k; pane < k+g.panes && pane <= g.windows.high; pane++ {
		if g.windows.at(pane).missed {
			return false
		}
	}
	return true
}

// openAt is the first window that ends after watermark.
func (g *generation) openAt(watermark event.Millis) int64 {
	return floorDiv(int64(watermark), g.slide) - g.panes + 1
}

// judgedFrom is the first window that does not begin before t.
func (g *generation) judgedFrom(t event.Millis) int64 { return floorDiv(int64(t)+g.slide-1, g.slide) }

func (g *generation) start(k int64) event.Millis { return event.Millis(k * g.slide) }

func (g *generation) end(k int64) event.Millis { return event.Millis((k + g.panes) * g.slide) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
