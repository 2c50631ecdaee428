package rules

import "math"

// need is what counts must exceed for a condition to hold: of each column, and
// of the sum of all. A bound below 0 asks for nothing.
type need struct {
	columns [MaxTypes]float64
	sum     float64
}

// nothing is asked for by a condition of which nothing is known.
func nothing() need {
	n := need{sum: -1}
	for i := range n.columns {
		n.columns[i] = -1
	}
	return n
}

// needs is the highest bound of a column or, without any, that of the sum. No
// condition holds for a window without events, so the sum always exceeds 0.
func (j *judge) needs() (column int, more uint32) {
	column = -1
	highest := -1.0
	for i, bound := range j.need.columns {
		if bound > highest {
			column, highest = i, bound
		}
	}
	if column < 0 {
		return -1, saturated(j.need.sum)
	}
	return column, saturated(highest)
}

// need is what must be exceeded for t to hold or, negated, for it not to hold.
func (t *term) need(negated bool) need {
	switch {
	case t.kind == not:
		return t.right.need(!negated)
	case t.kind == comparison:
		return t.comparisonNeed(negated)
	case (t.kind == and) != negated:
		return t.left.need(negated).both(t.right.need(negated))
	default:
		return t.left.need(negated).either(t.right.need(negated))
	}
}

// both is the need of two conditions that hold together.
func (n need) both(m need) need {
	for i := range n.columns {
		n.columns[i] = max(n.columns[i], m.columns[i])
	}
	n.sum = max(n.sum, m.sum)
	return n
}

// either is the need of two conditions of which one holds.
func (n need) either(m need) need {
	for i := range n.columns {
		n.columns[i] = min(n.columns[i], m.columns[i])
	}
	n.sum = min(n.sum, m.sum)
	return n
}

// opposite are the comparisons that hold where another does not. No side is NaN
// where a need is found: it is a constant, a count, the rate or a sum.
var opposite = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}

func (t *term) comparisonNeed(negated bool) need {
	op, left, right := t.op, t.left, t.right
	if negated {
		op = opposite[op]
	}
	value, ok := right.constant()
	if !ok {
		left, right, op = right, left, mirrored[op]
		if value, ok = right.constant(); !ok {
			return nothing()
		}
	}
	above := exceeded(op, value)
	n := nothing()
	switch {
	case above < 0:
	case left.kind == count:
		n.columns[left.column], n.sum = above, above
	case left.kind == rate:
		// There is a rate only with views and purchases.
		n.columns[viewColumn], n.columns[purchaseColumn], n.sum = 0, 0, 1
	case left.isSum(new([MaxTypes]bool)):
		n.sum = above
	}
	return n
}

// exceeded is the whole number that a whole number exceeds where it compares
// with value in this way, or -1.
func exceeded(op string, value float64) float64 {
	switch op {
	case ">":
		return max(math.Floor(value), -1)
	case ">=", "==":
		return max(math.Ceil(value)-1, -1)
	case "!=":
		if value == 0 {
			return 0 // counts and their sums are not negative
		}
	}
	return -1
}

// isSum says whether the term adds columns up, each at most once.
func (t *term) isSum(seen *[MaxTypes]bool) bool {
	switch {
	case t.kind == count:
		again := seen[t.column]
		seen[t.column] = true
		return !again
	case t.kind == arithmetic && t.op == "+":
		return t.left.isSum(seen) && t.right.isSum(seen)
	}
	return false
}
