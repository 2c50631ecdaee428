package rules

import (
	"strconv"
	"strings"
)

// SQL is a rule's condition as an expression of ClickHouse, which is 1 for the
// counts for which Qualifies says true, and else 0. count gives the expression
// for the number of events in a column. Beside these the text has numbers and
// operators alone, so nothing that a person has written becomes part of it.
func (s *Set) SQL(rule int, count func(column int) string) string {
	w := sqlWriter{count: count}
	w.write(s.judges[rule].condition, 0)
	return w.String()
}

// sqlWriter writes terms in the precedence of ClickHouse, which is that of
// conditions. Numbers are Float64, as whole ones would be added up in another
// way.
type sqlWriter struct {
	strings.Builder
	count func(column int) string
}

var sqlOperators = map[string]string{"&&": "AND", "||": "OR", "==": "="}

// write writes t, in parentheses if it binds less than its place asks for.
func (w *sqlWriter) write(t *term, least int) {
	switch t.kind {
	case number:
		w.WriteString(strconv.FormatFloat(t.value, 'e', -1, 64))
	case count:
		w.column(t.column)
	case rate:
		w.divide(func() { w.WriteString("1e2 * "); w.column(purchaseColumn) }, func() { w.column(viewColumn) })
	case negative:
		w.function("negate", t.right)
	case not:
		w.function("not", t.right)
	default:
		if t.op == "/" {
			w.divide(func() { w.write(t.left, bindsProduct) }, func() { w.write(t.right, 0) })
			return
		}
		w.operator(t, least)
	}
}

func (w *sqlWriter) operator(t *term, least int) {
	binds := t.binds()
	if binds < least {
		w.WriteByte('(')
		defer w.WriteByte(')')
	}
	op := t.op
	if sql, other := sqlOperators[op]; other {
		op = sql
	}
	w.write(t.left, binds)
	w.WriteString(" " + op + " ")
	if t.kind == and || t.kind == or {
		w.write(t.right, binds) // in whatever order it is grouped, it is the same
	} else {
		w.write(t.right, binds+1)
	}
}

// divide writes a division that is 0 where the divisor is. Each side is written
// once, or divisors within divisors would make the text grow without bound.
func (w *sqlWriter) divide(left, right func()) {
	w.WriteString("ifNull(")
	left()
	w.WriteString(" / nullIf(")
	right()
	w.WriteString(", 0), 0)")
}

func (w *sqlWriter) function(name string, t *term) {
	w.WriteString(name + "(")
	w.write(t, 0)
	w.WriteByte(')')
}

func (w *sqlWriter) column(n int) { w.WriteString("toFloat64(" + w.count(n) + ")") }
