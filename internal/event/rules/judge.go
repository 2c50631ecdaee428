package rules

import "math"

// judge decides whether counts qualify under a condition. What compares a count
// with a constant is a bound on its column; what else must hold is compiled.
type judge struct {
	condition *term
	bounds    []bound
	rest      []func(counts []uint32) bool
	need      need
}

// bound holds for the counts of a column from least to most.
type bound struct {
	column      int
	least, most uint32
}

func newJudge(condition *term) judge {
	j := judge{condition: condition, need: condition.need(false)}
	for _, c := range condition.conjuncts(nil) {
		if b, ok := c.bound(); ok {
			j.bounds = append(j.bounds, b)
		} else {
			j.rest = append(j.rest, c.holds())
		}
	}
	return j
}

func (j *judge) qualifies(counts []uint32) bool {
	for i := range j.bounds {
		b := &j.bounds[i]
		if n := counts[b.column]; n < b.least || n > b.most {
			return false
		}
	}
	for _, holds := range j.rest {
		if !holds(counts) {
			return false
		}
	}
	return true
}

// bound is the term as a bound on one column, if it is one.
func (t *term) bound() (bound, bool) {
	column, op, value, ok := t.compared()
	if !ok {
		return bound{}, false
	}
	// A count is a whole number.
	b := bound{column: column, most: math.MaxUint32}
	switch op {
	case ">":
		b.least, ok = atLeast(math.Floor(value) + 1)
	case ">=":
		b.least, ok = atLeast(math.Ceil(value))
	case "<":
		b.most, ok = atMost(math.Ceil(value) - 1)
	case "<=":
		b.most, ok = atMost(math.Floor(value))
	case "==":
		least, possible := atLeast(math.Ceil(value))
		most, also := atMost(math.Floor(value))
		b.least, b.most, ok = least, most, possible && also
	default:
		ok = false
	}
	if !ok && op != "!=" {
		return bound{column: column, least: 1, most: 0}, true // no count can be so
	}
	return b, ok
}

func atLeast(n float64) (uint32, bool) { return saturated(n), n <= math.MaxUint32 }
func atMost(n float64) (uint32, bool)  { return saturated(n), n >= 0 }

// compared is a comparison of a count with a constant, with the count first.
func (t *term) compared() (column int, op string, value float64, ok bool) {
	if t.kind != comparison {
		return 0, "", 0, false
	}
	if v, constant := t.right.constant(); constant && t.left.kind == count {
		return t.left.column, t.op, v, true
	}
	if v, constant := t.left.constant(); constant && t.right.kind == count {
		return t.right.column, mirrored[t.op], v, true
	}
	return 0, "", 0, false
}

// mirrored are the operators with their sides exchanged.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// constant is the value of a term in which nothing is counted, if it is finite.
func (t *term) constant() (float64, bool) {
	switch t.kind {
	case number, negative, arithmetic:
		if t.counts() {
			return 0, false
		}
		value := t.amount()(nil)
		return value, !math.IsNaN(value) && !math.IsInf(value, 0)
	}
	return 0, false
}

// counts says whether the term's value depends on counts.
func (t *term) counts() bool {
	return t.kind == count || t.kind == rate ||
		t.left != nil && t.left.counts() || t.right != nil && t.right.counts()
}

// columns marks the columns on which the term's value depends.
func (t *term) columns(seen *[MaxTypes]bool) {
	switch {
	case t.kind == count:
		seen[t.column] = true
	case t.kind == rate:
		seen[viewColumn], seen[purchaseColumn] = true, true
	}
	for _, part := range [...]*term{t.left, t.right} {
		if part != nil {
			part.columns(seen)
		}
	}
}

// holds compiles what holds or does not.
func (t *term) holds() func(counts []uint32) bool {
	switch t.kind {
	case not:
		right := t.right.holds()
		return func(c []uint32) bool { return !right(c) }
	case and:
		left, right := t.left.holds(), t.right.holds()
		return func(c []uint32) bool { return left(c) && right(c) }
	case or:
		left, right := t.left.holds(), t.right.holds()
		return func(c []uint32) bool { return left(c) || right(c) }
	}
	left, right := t.left.amount(), t.right.amount()
	switch t.op {
	case "<":
		return func(c []uint32) bool { return left(c) < right(c) }
	case "<=":
		return func(c []uint32) bool { return left(c) <= right(c) }
	case ">":
		return func(c []uint32) bool { return left(c) > right(c) }
	case ">=":
		return func(c []uint32) bool { return left(c) >= right(c) }
	case "==":
		return func(c []uint32) bool { return left(c) == right(c) }
	default:
		return func(c []uint32) bool { return left(c) != right(c) }
	}
}

// amount compiles a number. Each operation is a function of its own, so that no
// machine joins two of them into one with another rounding.
func (t *term) amount() func(counts []uint32) float64 {
	switch t.kind {
	case number:
		value := t.value
		return func([]uint32) float64 { return value }
	case count:
		column := t.column
		return func(c []uint32) float64 { return float64(c[column]) }
	case rate:
		return func(c []uint32) float64 { return divide(100*float64(c[purchaseColumn]), float64(c[viewColumn])) }
	case negative:
		right := t.right.amount()
		return func(c []uint32) float64 { return -right(c) }
	}
	left, right := t.left.amount(), t.right.amount()
	switch t.op {
	case "+":
		return func(c []uint32) float64 { return left(c) + right(c) }
	case "-":
		return func(c []uint32) float64 { return left(c) - right(c) }
	case "*":
		return func(c []uint32) float64 { return left(c) * right(c) }
	default:
		return func(c []uint32) float64 { return divide(left(c), right(c)) }
	}
}

// Columns that every set has.
const (
	viewColumn = iota
	purchaseColumn
)

func divide(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
