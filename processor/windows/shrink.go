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
// them is in use, and the tables of ids with the last window.
func (p *Partition) shrink() {
	if p.windows.low > p.windows.high {
		p.free = tables{}
	}
	if sparse(p.names.n, len(p.products)) || sparse(p.cells.n, len(p.cells.all)) {
		p.compact()
	}
}

func sparse(used, places int) bool { return places > keptPlaces && 4*used < places }

// compact moves the products and their cells together.
func (p *Partition) compact() {
	old, oldCells := p.products, p.cells
	p.products = make([]product, 0, p.names.n)
	p.cells = cells{all: make([]cell, 0, oldCells.n), unused: none}
	p.unused = none
	for k := p.windows.low; k <= p.windows.high; k++ {
		p.windows.at(k).ending = none
	}
	moved := make([]int32, len(old))
	for i, pr := range old {
		if pr.hi == lowest {
			continue
		}
		moved[i] = int32(len(p.products))
		pr.cells = none
		for at := old[i].cells; at != none; at = oldCells.all[at].next {
			c := oldCells.all[at]
			c.next = pr.cells
			pr.cells = int32(len(p.cells.all))
			p.cells.all = append(p.cells.all, c)
		}
		p.products = append(p.products, pr)
		p.endsWith(pr.hi, moved[i])
	}
	p.cells.n = len(p.cells.all)
	p.names.shrink(moved)
	p.renumber(moved)
}

// renumber gives products their new places wherever open windows name them.
func (p *Partition) renumber(moved []int32) {
	for k := p.windows.low; k <= p.windows.high; k++ {
		qualified := p.windows.at(k).qualified
		for i := range qualified {
			qualified[i].product = moved[qualified[i].product]
		}
	}
	dirty := p.dirty[:0]
	for _, d := range p.dirty {
		if d.number >= p.open { // the product of another may be forgotten
			d.product = moved[d.product]
			dirty = append(dirty, d)
		}
	}
	p.dirty = dirty
}
