package windows

import "math"

// product is one product with events in open windows. As long as it has too few
// events for any window of any rule to qualify it is cold, and an event costs one
// number: it keeps what it has in each pane. Then it has counters for each window.
type product struct {
	name string
	// Its highest pane with an event: when no open window holds that any more, the
	// product is forgotten.
	hi     int64
	hot    *counters // under the first rule; nil: the product is cold
	cells  int32     // the first of a cold product's cells, or none
	warmth uint32    // of what is in the cells, those of closed panes included
	// The next one in the list of products that end with a pane, or in that of
	// places that are not in use.
	next int32
}

// none ends a list.
const none int32 = -1

// under is a hot product's counters under a rule.
func (pr *product) under(rule int) *counters {
	c := pr.hot
	for range rule {
		c = c.next
	}
	return c
}

// warmth is how near to qualifying the events of a column bring a product. A cold
// product stays below hot, and then no window of it can qualify under any rule.
type warmth struct {
	hot    uint32
	events []uint32 // by column: what an event adds
}

// newWarmth takes the least that a window needs to qualify (rules.Set.Needs) of
// each rule. Where rules need events of several columns, each may have its share.
func newWarmth(columns int, rules []ruled) warmth {
	const unneeded = math.MaxUint32
	least := make([]uint32, columns)
	for c := range least {
		least[c] = unneeded
	}
	w := warmth{events: make([]uint32, columns)}
	for i := range rules {
		if r := &rules[i]; r.needs >= 0 {
			least[r.needs] = min(least[r.needs], r.more, maxInCell)
			continue
		}
		for c := range least { // any column may bring all of it
			least[c] = min(least[c], rules[i].more, maxInCell)
		}
	}
	for _, more := range least {
		if more != unneeded {
			w.hot = max(w.hot, more)
		}
	}
	for c, more := range least {
		switch more {
		case unneeded:
		case 0:
			w.events[c] = w.hot + 1 // the first event may do
		default:
			w.events[c] = (w.hot + more - 1) / more
		}
	}
	return w
}

// prune gives up the cells of a product whose panes no open window holds.
func (g *generation) prune(pr *product) {
	open := uint32(g.open)
	last := none
	for i := pr.cells; i != none; {
		at := g.cells.at(i)
		next := at.next()
		if int32(at.pane()-open) >= 0 {
			last = i
		} else {
			for c, each := range g.warmth.events {
				pr.warmth -= at.count(c) * each
			}
			if last == none {
				pr.cells = next
			} else {
				g.cells.at(last).setNext(next)
			}
			g.cells.drop(i)
		}
		i = next
	}
}

// countCold counts an event of a cold product. It does not, and says so, where a
// window may qualify by it, or where a cell is full.
func (g *generation) countCold(pr *product, pane int64, column int) bool {
	warmer := g.warmth.events[column]
	if pr.warmth+warmer > g.warmth.hot && warmer > 0 {
		if g.prune(pr); pr.warmth+warmer > g.warmth.hot {
			return false
		}
	}
	var at cell
	for i := pr.cells; i != none; {
		c := g.cells.at(i)
		if c.pane() == uint32(pane) {
			at = c
			break
		}
		i = c.next()
	}
	if at == nil {
		g.prune(pr)
		at = g.cells.add(pr, uint32(pane))
	}
	if at.count(column) == maxInCell {
		return false
	}
	at.increment(column)
	pr.warmth += warmer
	return true
}

// heat gives a cold product counters for each window of each rule. None of these
// has qualified yet.
func (g *generation) heat(pr *product) {
	g.prune(pr)
	link := &pr.hot
	for i := range g.rules {
		r := &g.rules[i]
		h := &counters{lo: 0, hi: lowest}
		for i := pr.cells; i != none; {
			c := g.cells.at(i)
			from, to := r.windows(g.open + int64(c.pane()-uint32(g.open)))
			if from <= to {
				h.cover(from, to, r.open, g.slotSize)
			}
			for k := from; k <= to; k++ {
				counts := h.slot(k, g.slotSize).counts()
				for column := range counts {
					counts[column] += c.count(column)
				}
			}
			i = c.next()
		}
		*link, link = h, &h.next
	}
	g.cells.clear(pr)
}

// countHot counts an event in the windows from to to, under a rule, of the
// product at place i.
func (g *generation) countHot(i int32, r *ruled, h *counters, from, to int64, column int) {
	size := g.slotSize
	if from < h.lo || to > h.hi {
		h.cover(from, to, r.open, size)
	}
	if !r.bounded {
		for k := from; k <= to; k++ {
			s := h.slot(k, size)
			s[column]++
			if *s.mark()&qualifies != 0 || r.needs < 0 || s[r.needs] > r.more {
				g.look(i, r, k, s)
			}
		}
		return
	}
	turns := r.turns[column]
	for k := from; k <= to; k++ {
		n := &h.ring[int(k&h.mask)*size+column]
		*n++
		if *n == turns[0] || *n == turns[1] {
			g.look(i, r, k, h.slot(k, size))
		}
	}
}

// look looks whether a window qualifies, and remembers what has changed.
func (g *generation) look(i int32, r *ruled, k int64, s slot) {
	m := s.mark()
	if g.set.Qualifies(r.index, s.counts()) == (*m&qualifies != 0) {
		return
	}
	*m ^= qualifies
	if *m&ever == 0 {
		*m |= ever | mark(r.qualified.add(k, i))<<entryShift
		if r.episodes != nil {
			r.join(g.products[i].name, k)
		}
	}
	if *m&dirty == 0 {
		*m |= dirty
		g.dirty = append(g.dirty, windowOf{i, int32(r.index), k})
	}
}
