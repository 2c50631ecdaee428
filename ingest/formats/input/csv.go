package input

import (
	"bytes"
	"cmp"

	"clickstream/ingest/mapping"
)

// Splitter splits a line of comma-separated values (RFC 4180). A field may be
// quoted, with doubled quotes in it for quotes; it ends with its line: a quote
// left open makes a bad row, not a bad rest of the file. Quotes inside an
// unquoted field stand for themselves.
type Splitter struct {
	Comma byte // 0: ','
	Quote byte // 0: '"'; mapping.NoQuote: a quote is a character as any other

	fields  [][]byte
	scratch []byte // of fields with doubled quotes
}

// Split returns the line's fields, good until the next call, or what is wrong.
func (s *Splitter) Split(line []byte) (fields [][]byte, problem string) {
	s.fields, s.scratch = s.fields[:0], s.scratch[:0]
	comma, quote := cmp.Or(s.Comma, ','), cmp.Or(s.Quote, '"')
	for {
		if len(line) > 0 && line[0] == quote && quote != mapping.NoQuote {
			field, rest, problem := s.quoted(line[1:], comma, quote)
			if problem != "" {
				return nil, problem
			}
			s.fields = append(s.fields, field)
			if rest == nil {
				return s.fields, ""
			}
			line = rest
			continue
		}
		i := bytes.IndexByte(line, comma)
		if i < 0 {
			s.fields = append(s.fields, line)
			return s.fields, ""
		}
		s.fields = append(s.fields, line[:i])
		line = line[i+1:]
	}
}

// quoted reads a field after its opening quote. rest is nil at the line's end.
func (s *Splitter) quoted(line []byte, comma, quote byte) (field, rest []byte, problem string) {
	from := len(s.scratch)
	doubled := false
	for start := line; ; {
		i := bytes.IndexByte(line, quote)
		if i < 0 {
			return nil, nil, "a quote is opened and not closed in its line"
		}
		after := line[i+1:]
		if len(after) > 0 && after[0] == quote {
			doubled = true
			s.scratch = append(s.scratch, line[:i+1]...)
			line = after[1:]
			continue
		}
		if doubled {
			s.scratch = append(s.scratch, line[:i]...)
			field = s.scratch[from:len(s.scratch):len(s.scratch)]
		} else {
			field = start[:i]
		}
		switch {
		case len(after) == 0:
			return field, nil, ""
		case after[0] == comma:
			return field, after[1:], ""
		}
		return nil, nil, "text after a closing quote"
	}
}
