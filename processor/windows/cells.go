package windows

import "math"

// cells are those of all cold products of a generation. A cell holds the counts
// of one product in one pane.
type cells struct {
	// words are a cell's after another's: the next of its product or of those that
	// are not in use, its pane's number's low bits (open panes lie close together),
	// and its counts, two columns to a word.
	words  []uint32
	size   int   // words of a cell
	unused int32 // the first
	n      int   // in use
}

// countsAt is where a cell's counts begin.
const countsAt = 2

func newCells(columns int) cells { return cells{size: countsAt + (columns+1)/2, unused: none} }

func (c *cells) at(i int32) cell { return c.words[int(i)*c.size:][:c.size] }

// places is how many there is room for.
func (c *cells) places() int { return len(c.words) / c.size }

type cell []uint32

func (c cell) next() int32     { return int32(c[0]) }
func (c cell) setNext(i int32) { c[0] = uint32(i) }
func (c cell) pane() uint32    { return c[1] }
func (c cell) count(column int) uint32 {
	return c[countsAt+column/2] >> (16 * (column & 1)) & math.MaxUint16
}

func (c cell) increment(column int) { c[countsAt+column/2] += 1 << (16 * (column & 1)) }

// maxInCell keeps a column's count within its bits.
const maxInCell = math.MaxUint16

func (c *cells) add(pr *product, pane uint32) cell {
	i := c.unused
	if i == none {
		i = int32(c.places())
		for range c.size {
			c.words = append(c.words, 0)
		}
	} else {
		c.unused = c.at(i).next()
	}
	at := c.at(i)
	clear(at)
	at.setNext(pr.cells)
	at[1] = pane
	pr.cells = i
	c.n++
	return at
}

// clear gives up all cells of a product.
func (c *cells) clear(pr *product) {
	for i := pr.cells; i != none; {
		next := c.at(i).next()
		c.drop(i)
		i = next
	}
	pr.cells, pr.warmth = none, 0
}

func (c *cells) drop(i int32) {
	c.at(i).setNext(c.unused)
	c.unused = i
	c.n--
}
