// Package columns lays text out for a terminal, in whose cells a character
// takes one place, two (Chinese, Japanese and Korean ones, most emoji) or none
// (accents that join the character before). Control characters are the caller's
// to replace.
package columns

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	ellipsis  = "…"
	gap       = 2 // between columns
	leastText = 8 // columns of text are not made narrower while others can be
)

// Width is how many places text takes on a line.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Clip is text that takes at most n places, its end left out where it is longer.
func Clip(text string, n int) string {
	if Width(text) <= n {
		return text
	}
	if n < 1 {
		return ""
	}
	return head(text, n-1) + ellipsis
}

// ClipMiddle is text that takes at most n places, its middle left out where it
// is longer: names of products and categories begin alike.
func ClipMiddle(text string, n int) string {
	if n < 3 || Width(text) <= n {
		return Clip(text, n)
	}
	return head(text, n/2) + ellipsis + tail(text, n-1-n/2)
}

// head is the longest beginning of text that takes at most n places.
func head(text string, n int) string {
	for i, r := range text {
		if n -= runeWidth(r); n < 0 {
			return text[:i]
		}
	}
	return text
}

// tail is the longest end of text that takes at most n places.
func tail(text string, n int) string {
	runes := []rune(text)
	at := len(runes)
	for ; at > 0 && n >= runeWidth(runes[at-1]); at-- {
		n -= runeWidth(runes[at-1])
	}
	return string(runes[at:])
}

// Wrap is the words of text in lines of at most n places, which are two at
// least. A word that is longer than a line is cut.
func Wrap(text string, n int) []string {
	n = max(n, 2) // what the widest character takes
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && Width(line)+1+Width(word) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		for line += word; Width(line) > n; {
			first := head(line, n)
			lines, line = append(lines, first), line[len(first):]
		}
	}
	return append(lines, line)
}

// Table is rows under headings. If no column has a heading, there is no line of
// headings.
type Table struct {
	Columns []Column
	Rows    [][]string // a cell a column
	Indent  int
	// Width is what a line may take at most; 0: as much as its cells do. Columns
	// of text are shortened first, the widest first, and then the others.
	Width int
}

// Column is a column of text or, aligned to the right, of numbers.
type Column struct {
	Heading string
	Number  bool
}

// Print writes the table. Lines have no spaces at their ends.
func (t Table) Print(w io.Writer) error {
	headings := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		headings[i] = c.Heading
	}
	lines := t.Rows
	if strings.Join(headings, "") != "" {
		lines = slices.Concat([][]string{headings}, t.Rows)
	}
	widths := t.widths(lines)
	var b strings.Builder
	for _, cells := range lines {
		parts := make([]string, len(cells))
		for i, cell := range cells {
			if t.Columns[i].Number {
				cell = Clip(cell, widths[i])
				parts[i] = padding(cell, widths[i]) + cell
			} else {
				cell = ClipMiddle(cell, widths[i])
				parts[i] = cell + padding(cell, widths[i])
			}
		}
		line := strings.Repeat(" ", t.Indent) + strings.Join(parts, strings.Repeat(" ", gap))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func padding(cell string, n int) string { return strings.Repeat(" ", n-Width(cell)) }

// widths are those of the columns, shortened to fit.
func (t Table) widths(lines [][]string) []int {
	widths := make([]int, len(t.Columns))
	total := t.Indent - gap
	for i := range widths {
		for _, cells := range lines {
			widths[i] = max(widths[i], Width(cells[i]))
		}
		total += widths[i] + gap
	}
	if t.Width == 0 {
		return widths
	}
	shorten := func(least int, may func(Column) bool) {
		for ; total > t.Width; total-- {
			widest := -1
			for i, n := range widths {
				if may(t.Columns[i]) && n > least && (widest < 0 || n > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				return
			}
			widths[widest]--
		}
	}
	shorten(leastText, func(c Column) bool { return !c.Number })
	shorten(1, func(Column) bool { return true })
	return widths
}
