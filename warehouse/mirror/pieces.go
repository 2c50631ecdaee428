package mirror

import (
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/warehouse/rows"
)

// pieces are the blocks of a table that are still to be stored, some of them by
// one INSERT.
type pieces struct {
	left []block
	size int // how many by one INSERT
}

func newPieces(blocks []block) *pieces { return &pieces{left: blocks, size: len(blocks)} }

func (p *pieces) done() bool { return len(p.left) == 0 }

// next are the blocks of the next INSERT.
func (p *pieces) next() []proto.Input {
	var inputs []proto.Input
	for _, b := range p.left[:min(p.size, len(p.left))] {
		inputs = append(inputs, b.Input())
	}
	return inputs
}

// stored takes out what next returned.
func (p *pieces) stored() { p.left = p.left[min(p.size, len(p.left)):] }

// halve makes the next INSERT half as large: of half the blocks, or of half the
// days or rows of the only one. It is false where that is small already.
func (p *pieces) halve() bool {
	if n := min(p.size, len(p.left)); n > 1 {
		p.size = (n + 1) / 2
		return true
	}
	if p.left[0].Rows() < 2*leastRows {
		return false
	}
	early, late := halves(p.left[0])
	p.left = append([]block{early, late}, p.left[1:]...)
	p.size = 1
	return true
}

// halves returns copies of the earlier and the later half of a block.
func halves(b block) (early, late block) {
	switch b := b.(type) {
	case *rows.Alerts:
		return b.Halves()
	case *rows.Rejected:
		return b.Halves()
	default:
		return b.(*rows.Events).Halves()
	}
}
