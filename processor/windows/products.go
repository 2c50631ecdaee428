package windows

import "strings"

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
		g.panes.at(g.products[i].hi).products--
	} else {
		i = g.addProduct(name, hash)
		g.endsWith(pane, i)
	}
	g.panes.at(pane).products++
	g.products[i].hi = pane
	return i, true
}

// full says whether the pane and those after it hold as many products as are
// remembered.
func (g *generation) full(pane int64) bool {
	n := 0
	for k := pane; k <= g.panes.high; k++ {
		n += g.panes.at(k).products
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

// endsWith puts a product into the list of those that may end with pane k.
func (g *generation) endsWith(k int64, i int32) {
	w := g.panes.at(k)
	g.products[i].next = w.ending
	w.ending = i
}

// forget gives up the place of a product.
func (g *generation) forget(i int32) {
	pr := &g.products[i]
	g.names.remove(g.names.hash(pr.name), i)
	g.cells.clear(pr)
	*pr = product{hi: lowest, cells: none, next: g.unused}
	g.unused = i
}
