package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// spansLines says whether a file that begins with head is a JSON array of
// objects or of arrays, or objects that are laid out over several lines.
func spansLines(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return false
	}
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	if head[0] == '{' {
		return len(bytes.TrimSpace(line)) == 1
	}
	inner := bytes.TrimLeft(head[1:], "[ \t\r\n")
	return head[0] == '[' && len(inner) > 0 && (inner[0] == '{' || inner[0] == ']')
}

// headValues returns the first values of what the buffer holds. The last may
// be cut off.
func headValues(buf []byte) [][]byte {
	l := Lines{src: bytes.NewReader(nil), buf: append(bytes.Clone(buf), 0, 0), end: len(buf), values: true}
	var head [][]byte
	for len(head) < MaxHead {
		value, err := l.nextValue()
		if err != nil {
			break
		}
		head = append(head, value)
	}
	return head
}

// nextValue hands out the next value of a JSON array, or of objects one after
// the other. It goes by brackets and quotes alone, and whoever decodes the value
// finds out whether it is JSON. A string never spans lines, so a quote that is
// left open spoils one value and not the rest of the file.
func (l *Lines) nextValue() ([]byte, error) {
	l.number, l.more = max(1, l.number+l.more), 0
	if err := l.toValue(); err != nil {
		return nil, err
	}
	var scan valueScan
	for n := 0; ; {
		rest := l.buf[l.start:l.end]
		for n < len(rest) && !scan.ends(rest[n]) {
			n++
		}
		if n > MaxLine {
			return nil, l.valueTooLong(n, &scan)
		}
		if n == len(rest) && l.fill() {
			continue
		}
		if n == len(rest) && !errors.Is(l.failed, io.EOF) {
			return nil, l.failed
		}
		rest = l.buf[l.start : l.start+n]
		l.more = int64(bytes.Count(rest, []byte{'\n'}))
		l.last = bytes.TrimRight(rest, " \t\r\n")
		l.start += n
		return l.last, nil
	}
}

// valueTooLong passes over what follows the first n bytes of a value, up to its
// end or, where its brackets may be the fault, the line's.
func (l *Lines) valueTooLong(n int, scan *valueScan) error {
	value := l.buf[l.start : l.start+n]
	l.last = bytes.Clone(value[:KeepLong])
	l.more = int64(bytes.Count(value, []byte{'\n'}))
	l.start += n
	for l.start < l.end || l.fill() {
		c := l.buf[l.start]
		if c == '\n' || scan.ends(c) {
			break
		}
		l.start++
	}
	return tooLong()
}

// NextObject reads the next line and checks that it is one JSON object.
func (l *Lines) NextObject() ([]byte, error) {
	line, err := l.Next()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(line) {
		return nil, parse.Rejected(event.ReasonBadEncoding, "", "the line is not UTF-8")
	}
	if !json.Valid(line) {
		var value json.RawMessage
		return nil, parse.Rejected(event.ReasonBadJSON, "", "the line is not JSON: %v", json.Unmarshal(line, &value))
	}
	if line = bytes.TrimSpace(line); line[0] != '{' {
		return nil, parse.Rejected(event.ReasonBadJSON, "", "a line is one JSON object")
	}
	return line, nil
}

// toValue moves to the first byte of the next value. What is between values is
// passed over.
func (l *Lines) toValue() error {
	for {
		for ; l.start < l.end; l.start++ {
			switch l.buf[l.start] {
			case '\n':
				l.number++
			case '[':
				l.open++
			case ']':
				l.open = max(0, l.open-1)
			case ' ', '\t', '\r', ',':
			default:
				return nil
			}
		}
		if l.fill() {
			continue
		}
		if errors.Is(l.failed, io.EOF) && l.open > 0 {
			return fmt.Errorf("the JSON array is not closed: the file ends in line %d, and what followed is missing: %w", l.number, io.ErrUnexpectedEOF)
		}
		return l.failed
	}
}

// valueScan finds a value's end, a byte at a time.
type valueScan struct {
	depth    int
	begun    bool
	complete bool // the brackets are closed
	inString bool
	escaped  bool
}

// ends says whether c is the first byte after the value.
func (s *valueScan) ends(c byte) bool {
	first := !s.begun
	s.begun = true
	switch {
	case s.complete:
		return true
	case s.inString:
		switch {
		case s.escaped:
			s.escaped = false
		case c == '\\':
			s.escaped = true
		case c == '"':
			s.inString = false
		case c == '\n':
			return true
		}
		return false
	}
	switch c {
	case '"':
		s.inString = true
	case '{', '[':
		s.depth++
	case '}', ']':
		if s.depth == 0 {
			return !first
		}
		s.depth--
		s.complete = s.depth == 0
	case ',', '\n':
		return s.depth == 0
	}
	return false
}
