package rules

import (
	"strconv"
	"strings"
)

// text is the condition in its canonical spelling, which parses to a term with
// the same value.
func (t *term) text(types []string) string {
	w := writer{types: types, space: " "}
	w.write(t, 0)
	return w.String()
}

// short is text without spaces, with commas between what must hold all together.
func (t *term) short(types []string) string {
	w := writer{types: types}
	for i, c := range t.conjuncts(nil) {
		if i > 0 {
			w.WriteByte(',')
		}
		w.write(c, 0)
	}
	return w.String()
}

// conjuncts appends what must hold all together for t to hold.
func (t *term) conjuncts(dst []*term) []*term {
	if t.kind == and {
		return t.right.conjuncts(t.left.conjuncts(dst))
	}
	return append(dst, t)
}

type writer struct {
	strings.Builder
	types []string
	space string
}

// Precedence, as in expr: what binds more strongly has the higher one.
const (
	bindsOr = iota + 1
	bindsAnd
	bindsComparison
	bindsSum
	bindsProduct
	bindsUnary
)

func (t *term) binds() int {
	switch t.kind {
	case or:
		return bindsOr
	case and:
		return bindsAnd
	case comparison:
		return bindsComparison
	case arithmetic:
		if t.op == "+" || t.op == "-" {
			return bindsSum
		}
		return bindsProduct
	}
	return bindsUnary
}

// write writes t, in parentheses if it binds less than its place asks for.
func (w *writer) write(t *term, least int) {
	binds := t.binds()
	if binds < least {
		w.WriteByte('(')
		defer w.WriteByte(')')
	}
	switch t.kind {
	case number:
		w.WriteString(strconv.FormatFloat(t.value, 'f', -1, 64))
	case count:
		w.WriteString(countName(w.types[t.column]))
	case rate:
		w.WriteString(rateName)
	case negative:
		w.unary("-", t.right)
	case not:
		w.unary("!", t.right)
	default:
		w.write(t.left, binds)
		w.WriteString(w.space + t.op + w.space)
		if t.kind == and || t.kind == or {
			w.write(t.right, binds) // in whatever order it is grouped, it is the same
		} else {
			w.write(t.right, binds+1)
		}
	}
}

// unary writes an operator before a name or a number, or before parentheses.
func (w *writer) unary(op string, t *term) {
	w.WriteString(op)
	switch t.kind {
	case number, count, rate:
		w.write(t, 0)
	default:
		w.WriteByte('(')
		w.write(t, 0)
		w.WriteByte(')')
	}
}

func countName(eventType string) string {
	for _, k := range names {
		if k.eventType == eventType {
			return k.name
		}
	}
	return "count(" + strconv.Quote(eventType) + ")"
}
