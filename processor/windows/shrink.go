package windows

// What a burst has left is given up when the windows that held it close: the
// memory of a partition follows what is in its open windows.

// keptPlaces are how many places are kept without a use.
const keptPlaces = 1 << 10

// emptied is s without elements, to be used again unless it is long.
func emptied[T any](s []T) []T {
	if cap(s) > keptPlaces {
		return nil
	}
	return s[:0]
}

// shrink gives up places of products and cells where less than a quarter of
// them is in use, and the tables of ids with the last pane.
func (g *generation) shrink() {
	if g.panes.low > g.panes.high {
		g.free = tables{}
	}
	if sparse(g.names.n, len(g.products)) || sparse(g.cells.n, g.cells.places()) {
		g.compact()
	}
}

func sparse(used, places int) bool { return places > keptPlaces && 4*used < places }

// compact moves the products and their cells together.
func (g *generation) compact() {
	old, oldCells := g.products, g.cells
	g.products = make([]product, 0, g.names.n)
	g.cells.words, g.cells.unused, g.cells.n = make([]uint32, 0, oldCells.n*oldCells.size), none, 0
	g.unused = none
	for k := g.panes.low; k <= g.panes.high; k++ {
		g.panes.at(k).ending = none
	}
	moved := make([]int32, len(old))
	for i, pr := range old {
		if pr.hi == lowest {
			continue
		}
		moved[i] = int32(len(g.products))
		pr.cells = none
		for at := old[i].cells; at != none; {
			c := oldCells.at(at)
			at = c.next()
			c.setNext(pr.cells)
			pr.cells = int32(g.cells.n)
			g.cells.words = append(g.cells.words, c...)
			g.cells.n++
		}
		g.products = append(g.products, pr)
		g.endsWith(pr.hi, moved[i])
	}
	g.names.shrink(moved)
	g.renumber(moved)
}

// renumber gives products their new places wherever open windows name them.
func (g *generation) renumber(moved []int32) {
	for r := range g.rules {
		for _, list := range g.rules[r].qualified {
			for i := range list.products {
				list.products[i].product = moved[list.products[i].product]
			}
		}
	}
	dirty := g.dirty[:0]
	for _, d := range g.dirty {
		if d.number >= g.rules[d.rule].open { // the product of another may be forgotten
			d.product = moved[d.product]
			dirty = append(dirty, d)
		}
	}
	g.dirty = dirty
}
