package mapped

import (
	"bytes"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/mapping"
)

// separators that are looked for, the likelier one first.
const separators = ",;\t|"

// withShape is m with the kind, the separator and the quote that the first lines
// show, where m leaves them open.
func withShape(m mapping.Mapping, in *input.Lines) mapping.Mapping {
	first := in.Buffered()
	if m.Kind == "" {
		m.Kind = mapping.KindCSV
		if in.HoldsValues() || bytes.HasPrefix(bytes.TrimSpace(first), []byte{'{'}) {
			m.Kind = mapping.KindJSON
		}
	}
	if m.Kind == mapping.KindJSON {
		return m
	}
	if m.Quote == 0 {
		m.Quote = '"'
	}
	if m.Separator == 0 {
		m.Separator = separatorOf(first[:min(len(first), input.KeepLong)], m.Quote)
	}
	return m
}

// separatorOf is the separator that gives most of the first records as many
// fields as the first one.
func separatorOf(head []byte, quote byte) byte {
	if separator, ok := separatorLine(head); ok {
		return separator
	}
	best, bestScore := separators[0], 0
	for _, separator := range []byte(separators) {
		s := input.Splitter{Comma: separator, Quote: quote}
		width, score := 0, 0
		for n, rest := 0, head; n < input.MaxHead && len(rest) > 0; n++ {
			end := input.RecordLen(rest, separator, quote)
			if end < 0 {
				break
			}
			record := bytes.TrimSuffix(rest[:end], []byte{'\r'})
			fields, problem := s.Split(record)
			switch {
			case problem != "":
			case n == 0:
				width = len(fields)
				score = width
			case len(fields) == width && width > 1:
				score += width
			}
			rest = rest[min(end+1, len(rest)):]
		}
		if width > 1 && score > bestScore {
			best, bestScore = separator, score
		}
	}
	return best
}

// separatorLine reads the first line sep=; with which a spreadsheet is told the
// separator.
func separatorLine(head []byte) (byte, bool) {
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	line = bytes.Trim(bytes.TrimSuffix(line, []byte{'\r'}), `"`)
	after, ok := bytes.CutPrefix(line, []byte("sep="))
	if !ok || len(after) != 1 {
		return 0, false
	}
	return after[0], true
}
