package windows

import (
	"slices"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// idsPerPane is how many ids are remembered per generation and pane: 16 MiB of
// hashes, and 17,000 counted events a second over a minute.
const idsPerPane = 1 << 20

// productsPerPane is how many products are remembered per generation and pane:
// about 15 MiB, and 1.5 million products a minute of a log with twelve
// partitions.
const productsPerPane = 1 << 17

type limits struct{ maxIDs, maxProducts int } // per pane

// generation holds the windows of a partition that one rule set judges, and what
// is in them: those that start after the time after, up to the one at which the
// next generation begins. No event before the set's control record lies in them,
// so generations share nothing.
type generation struct {
	set    *rules.Set
	after  event.Millis // None: every window
	number int          // generations are numbered in their order
	since  int64        // the first offset at which the set is in force
	ended  int64        // the offset from which on it has no open window, or -1

	pane     int64 // ms
	types    []string
	rules    []ruled
	slotSize int // of counters: a count for each column, and a mark
	limits   *limits

	// Panes from open on, and below beyond, are in open windows of the generation,
	// and those from judged on in open windows that are judged. Where rules differ
	// the bounds are of all together.
	open, judged, beyond int64
	// At this watermark the next window closes.
	nextEnd event.Millis

	panes    panes
	names    names
	products []product
	unused   int32 // the first place in products that is not in use
	cells    cells
	warmth   warmth
	free     tables

	dirty []windowOf // open windows whose state may not be the one emitted
}

// windowOf is a product's window under a rule.
type windowOf struct {
	product int32
	rule    int32
	number  int64
}

// outcome is what became of an event that is neither late nor future.
type outcome uint8

const (
	duplicate outcome = 1 << iota // a later copy: it was not counted
	unrememberedID
	unrememberedProduct // it was not counted
)

func newGeneration(set *rules.Set, after event.Millis, since int64, l *limits) *generation {
	g := &generation{
		set:    set,
		after:  after,
		since:  since,
		ended:  -1,
		pane:   set.Pane().Milliseconds(),
		types:  set.Types(),
		limits: l,
		names:  newNames(),
		unused: none,
	}
	g.slotSize = len(g.types) + 1
	longest := int64(1)
	for i := range set.Rules() {
		r := newRuled(set, i, g.pane)
		if after != None {
			r.from = r.startingAt(after + 1)
			r.judged = r.from
		}
		longest = max(longest, r.slides*r.step)
		g.rules = append(g.rules, r)
	}
	g.panes = newPanes(longest)
	g.cells = newCells(len(g.types))
	g.warmth = newWarmth(len(g.types), g.rules)
	g.setBounds()
	return g
}

// judgeFrom says that windows before t are not judged, nor any if it is Never.
func (g *generation) judgeFrom(t event.Millis) {
	for i := range g.rules {
		r := &g.rules[i]
		switch t {
		case None:
			r.judged = r.from
		case never:
			r.judged = highest
		default:
			r.judged = max(r.from, r.startingAt(t))
		}
	}
	g.setBounds()
}

// end says that the windows that start after t are another generation's.
func (g *generation) end(t event.Millis) {
	for i := range g.rules {
		r := &g.rules[i]
		r.to = r.startingAt(t+1) - 1
	}
	g.setBounds()
}

// setBounds finds the panes that are in open windows.
func (g *generation) setBounds() {
	g.open, g.judged, g.beyond = highest, highest, lowest
	g.nextEnd = event.Millis(highest)
	for i := range g.rules {
		r := &g.rules[i]
		first := max(r.open, r.from)
		if first > r.to {
			continue
		}
		g.open = min(g.open, r.pane(first))
		g.judged = min(g.judged, r.pane(max(first, r.judged)))
		if r.to == highest {
			g.beyond = highest
		} else {
			g.beyond = max(g.beyond, r.pane(r.to+r.slides))
		}
		if r.open == lowest {
			g.nextEnd = None
		} else {
			g.nextEnd = min(g.nextEnd, r.end(r.open))
		}
	}
}

// holds says whether an open window of the generation holds the pane.
func (g *generation) holds(pane int64) bool {
	if pane < g.open || pane >= g.beyond {
		return false
	}
	if len(g.rules) == 1 {
		return true
	}
	for i := range g.rules {
		if g.rules[i].holds(pane) {
			return true
		}
	}
	return false
}

// over says that all windows have closed, and no other will come.
func (g *generation) over() bool { return g.open == highest }

// column is the one in which events of a type are counted, or -1.
func (g *generation) column(eventType string) int {
	switch eventType {
	case event.TypeView:
		return viewColumn
	case event.TypePurchase:
		return purchaseColumn
	}
	for i, t := range g.types[purchaseColumn+1:] {
		if t == eventType {
			return purchaseColumn + 1 + i
		}
	}
	return -1
}

// count counts an event of the pane in its product's windows, unless it is a
// later copy. What the partition held before the record is before.
func (g *generation) count(e *event.Event, hash uint64, pane int64, column int, before *place) (done outcome) {
	if pane < g.panes.low || pane > g.panes.high {
		g.panes.cover(pane)
	}
	at := g.panes.at(pane)
	if at.first.offset < 0 {
		at.first = *before
	}
	added, kept := at.ids.add(hash, g.limits.maxIDs, &g.free)
	if !added {
		return duplicate
	}
	if !kept {
		at.missed, done = true, unrememberedID
	}
	i, ok := g.product(e.ProductID, pane)
	if !ok {
		at.missed = true
		return done | unrememberedProduct
	}
	pr := &g.products[i]
	if pr.hot == nil {
		if g.countCold(pr, pane, column) {
			return done
		}
		g.heat(pr)
	}
	h := pr.hot
	for n := range g.rules {
		r := &g.rules[n]
		if from, to := r.windows(pane); from <= to {
			g.countHot(i, r, h, from, to, column)
		}
		h = h.next
	}
	return done
}

// advance closes the windows that end at or below watermark, and returns their
// final alerts with this version, if they are wanted.
func (g *generation) advance(watermark event.Millis, version int64, wanted bool) (final []event.Alert) {
	if watermark < g.nextEnd {
		return nil
	}
	for i := range g.rules {
		r := &g.rules[i]
		open := r.openAt(watermark)
		n, _ := r.qualified.find(open)
		if wanted {
			for _, list := range r.qualified[:n] {
				final = g.judge(r, list, version, final)
			}
		}
		r.qualified = slices.Delete(r.qualified, 0, n)
		r.open = open
	}
	g.setBounds()
	// Only panes with something in them are gone through: an hour or a year
	// without events costs nothing.
	for g.panes.low <= g.panes.high && g.panes.low < g.open {
		g.close(g.panes.low)
		g.panes.drop(&g.free)
		g.free.release()
		g.shrink()
	}
	return final
}

// judge appends the final alerts of a window.
func (g *generation) judge(r *ruled, list qualifiedList, version int64, final []event.Alert) []event.Alert {
	exact := g.exact(r, list.window)
	for _, q := range list.products {
		pr := &g.products[q.product]
		s := pr.under(r.index).slot(list.window, g.slotSize)
		status := s.mark().status()
		if status == event.Firing {
			status = event.Confirmed
		}
		final = append(final, r.alert(pr.name, s.counts(), list.window, status, exact, version))
	}
	return final
}

// close forgets the products that have no pane after the lowest.
func (g *generation) close(k int64) {
	for i := g.panes.at(k).ending; i != none; {
		next := g.products[i].next
		if hi := g.products[i].hi; hi > k {
			g.endsWith(hi, i)
		} else {
			g.forget(i)
		}
		i = next
	}
}

// exact says whether all ids and products of a rule's window k were remembered.
func (g *generation) exact(r *ruled, k int64) bool {
	first := r.pane(k)
	last := min(first+r.slides*r.step-1, g.panes.high)
	for pane := max(first, g.panes.low); pane <= last; pane++ {
		if g.panes.at(pane).missed {
			return false
		}
	}
	return true
}
