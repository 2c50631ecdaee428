package input

import (
	"bytes"

	"clickstream/ingest/mapping"
)

// MaxRecord bounds a record that spans lines.
const MaxRecord = 64 << 10

// NextRecord is Next for values separated by comma whose quoted fields may hold
// line ends: it hands out the lines up to the one in which every quote is
// closed. Where there is none within 64 KiB, or the quotes are not those of
// CSV, it hands out one line, so that a quote left open makes one bad row.
func (l *Lines) NextRecord(comma byte) ([]byte, error) { return l.NextQuoted(comma, '"') }

// NextQuoted is NextRecord where fields are quoted by another character.
func (l *Lines) NextQuoted(comma, quote byte) ([]byte, error) {
	// Most records are a line without quotes.
	if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i > 1 && bytes.IndexByte(l.buf[l.start:l.start+i], quote) < 0 {
		return l.Next()
	}
	for l.end-l.start < MaxRecord && l.fill() {
	}
	for bytes.HasPrefix(l.buf[l.start:l.end], []byte{'\n'}) || bytes.HasPrefix(l.buf[l.start:l.end], []byte("\r\n")) {
		l.start += bytes.IndexByte(l.buf[l.start:l.end], '\n') + 1
		l.number, l.more = l.number+l.more+1, 0
	}
	rest := l.buf[l.start:min(l.end, l.start+MaxRecord)]
	n := RecordLen(rest, comma, quote)
	if n < 0 || n == len(rest) && l.end-l.start > n {
		return l.Next()
	}
	breaks := bytes.Count(rest[:n], []byte{'\n'})
	if breaks == 0 {
		return l.Next()
	}
	l.number += l.more + 1
	l.more = int64(breaks)
	l.start += min(n+1, len(rest))
	l.last = bytes.TrimSuffix(rest[:n], []byte{'\r'})
	return l.last, nil
}

// RecordLen is the length of the record that b begins with, up to the first
// line end outside quotes or b's end, or -1 if its quotes are not those of CSV.
func RecordLen(b []byte, comma, quote byte) int {
	if quote == mapping.NoQuote {
		if n := bytes.IndexByte(b, '\n'); n >= 0 {
			return n
		}
		return len(b)
	}
	quoted, closed, begins := false, false, true
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c != quote:
		case quoted && i+1 < len(b) && b[i+1] == quote:
			i++
		case quoted:
			quoted, closed = false, true
		case c == '\n':
			return i
		case c == comma:
			closed, begins = false, true
		case c == quote && begins:
			quoted, begins = true, false
		case closed && c != '\r':
			return -1
		default:
			begins = false
		}
	}
	if quoted {
		return -1
	}
	return len(b)
}
