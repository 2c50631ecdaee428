package windows

import (
	"math"
)

// product is one product with events in open windows. As long as it has too few
// views for any window to qualify it is cold, and an event costs one number: it
// keeps what it has in each pane. Then it has counters for each window.
type product struct {
	name string
	// Its highest window with an event: when that closes, the product is
	// forgotten.
	hi    int64
	hot   *counters // nil: the product is cold
	cells int32     // the first of a cold product's cells, or none
	views uint32    // in the cells, those of closed panes included
	// The next one in the list of products that end with a window, or in that of
	// places that are not in use.
	next int32
}

// none ends a list.
const none int32 = -1

// cell holds the counts of a cold product in one pane.
type cell struct {
	next             int32  // of the product, or of those not in use
	pane             uint32 // its number's low bits: open panes lie close together
	views, purchases uint16
}

// cells are the cells of all products of a partition.
type cells struct {
	all    []cell
	unused int32 // the first
	n      int   // in use
}

func (c *cells) add(pr *product, pane uint32) *cell {
	i := c.unused
	if i == none {
		i = int32(len(c.all))
		c.all = append(c.all, cell{})
	} else {
		c.unused = c.all[i].next
	}
	c.all[i] = cell{next: pr.cells, pane: pane}
	pr.cells = i
	c.n++
	return &c.all[i]
}

// prune gives up the cells of a product whose panes lie before open.
func (c *cells) prune(pr *product, open uint32) {
	for link := &pr.cells; *link != none; {
		i := *link
		if at := &c.all[i]; int32(at.pane-open) >= 0 {
			link = &at.next
			continue
		}
		pr.views -= uint32(c.all[i].views)
		*link = c.all[i].next
		c.drop(i)
	}
}

// clear gives up all cells of a product.
func (c *cells) clear(pr *product) {
	for i := pr.cells; i != none; {
		next := c.all[i].next
		c.drop(i)
		i = next
	}
	pr.cells, pr.views = none, 0
}

func (c *cells) drop(i int32) {
	c.all[i].next = c.unused
	c.unused = i
	c.n--
}

// countCold counts a view or a purchase of a cold product. It does not, and says
// so, where a window may qualify by it, or where a cell is full.
func (g *generation) countCold(pr *product, pane int64, view bool) bool {
	open := uint32(g.open)
	if view && pr.views >= g.coldViews {
		if g.cells.prune(pr, open); pr.views >= g.coldViews {
			return false
		}
	}
	var at *cell
	for i := pr.cells; i != none && at == nil; i = g.cells.all[i].next {
		if c := &g.cells.all[i]; c.pane == uint32(pane) {
			at = c
		}
	}
	if at == nil {
		g.cells.prune(pr, open)
		at = g.cells.add(pr, uint32(pane))
	}
	switch {
	case view:
		at.views++
		pr.views++
	case at.purchases == math.MaxUint16:
		return false
	default:
		at.purchases++
	}
	return true
}

// maxColdViews keeps a cell's views within its numbers.
const maxColdViews = math.MaxUint16

// heat gives a cold product counters for each window. None of these has
// qualified yet.
func (g *generation) heat(pr *product) {
	h := &counters{lo: 0, hi: lowest}
	g.cells.prune(pr, uint32(g.open))
	for i := pr.cells; i != none; {
		c := g.cells.all[i]
		pane := g.open + int64(c.pane-uint32(g.open))
		from := g.firstWindow(pane)
		h.cover(from, pane, g.open)
		for k := from; k <= pane; k++ {
			s := h.slot(k)
			s.views += uint32(c.views)
			s.purchases += uint32(c.purchases)
		}
		i = c.next
	}
	g.cells.clear(pr)
	pr.hot = h
}

// countHot counts a view or a purchase in the windows from to to of the product
// at place i.
func (g *generation) countHot(i int32, h *counters, from, to int64, view bool) {
	h.cover(from, to, g.open)
	mask := int64(len(h.ring) - 1)
	if view {
		for k := from; k <= to; k++ {
			s := &h.ring[k&mask]
			s.views++
			if int(s.views) > g.rule.ViewsOver && !s.ever && int(s.purchases) < g.rule.PurchasesUnder {
				s.ever = true
				w := g.windows.at(k)
				w.qualified = append(w.qualified, qualified{product: i})
				g.markDirty(s, windowOf{i, k, len(w.qualified) - 1})
			}
		}
		return
	}
	for k := from; k <= to; k++ {
		s := &h.ring[k&mask]
		s.purchases++
		if s.ever && int(s.purchases) == g.rule.PurchasesUnder {
			g.markDirty(s, windowOf{i, k, -1})
		}
	}
}
