package mapped

import (
	"bytes"
	"strings"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/mapping"
	"clickstream/ingest/mapping/guess"
)

// maxPreamble is how many lines before a header are looked at.
const maxPreamble = 20

// preamble is how many lines come before the header, such as the title and the
// empty line of a spreadsheet's export. It is 0 unless the lines look like nothing
// of the table that follows them and its header holds neither a number nor a time: a
// row must not be taken for a title.
func preamble(head []byte, m mapping.Mapping) int {
	head = head[:min(len(head), input.KeepLong)]
	first := 0
	if separator, ok := separatorLine(head); ok {
		_, head, _ = bytes.Cut(head, []byte{'\n'})
		m.Separator, first = separator, 1
	}
	quotes := []byte{m.Quote}
	if m.Quote == 0 {
		quotes = []byte{'"', '\''}
	}
	rest := head
	for n := range maxPreamble {
		before := head[:len(head)-len(rest)]
		for _, m.Quote = range quotes {
			if tableBegins(before, rest, m) {
				return first + n
			}
		}
		_, after, found := bytes.Cut(rest, []byte{'\n'})
		if !found {
			break
		}
		rest = after
	}
	return 0
}

// tableBegins says whether rest begins with a header, and before is no part of its
// table.
func tableBegins(before, rest []byte, m mapping.Mapping) bool {
	if m.Separator == 0 {
		m.Separator = separatorOf(rest, m.Quote)
	}
	if len(before) == 0 || len(rest) == 0 || rest[0] == '\n' || rest[0] == '\r' {
		return false
	}
	rows := firstRows(rest, m)
	if len(rows) < 2 || len(rows[0]) < 3 {
		return false
	}
	width := len(rows[0])
	if filled(rows[0])*2 <= width {
		return false
	}
	s := input.Splitter{Comma: m.Separator, Quote: m.Quote}
	for line := range bytes.Lines(before) {
		fields, problem := s.Split(bytes.TrimRight(line, "\r\n"))
		var texts []string
		for _, f := range fields {
			texts = append(texts, string(f))
		}
		if problem == "" && len(texts) == width && filled(texts)*2 > width {
			return false
		}
	}
	for _, row := range rows[1:] {
		for len(row) > width && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) != width {
			return false
		}
	}
	names, known := guess.Header(rows, m.Separator == ',')
	return names && (known || len(rows) > 2)
}

// firstRows are the first records that are not empty.
func firstRows(b []byte, m mapping.Mapping) (rows [][]string) {
	s := input.Splitter{Comma: m.Separator, Quote: m.Quote}
	for len(rows) < input.MaxHead && len(b) > 0 {
		end := input.RecordLen(b, m.Separator, m.Quote)
		if end < 0 {
			break
		}
		record := bytes.TrimSuffix(b[:end], []byte{'\r'})
		b = b[min(end+1, len(b)):]
		if len(record) == 0 {
			continue
		}
		fields, problem := s.Split(record)
		if problem != "" {
			break
		}
		var row []string
		for _, f := range fields {
			row = append(row, string(f))
		}
		rows = append(rows, row)
	}
	return rows
}

// filled is how many texts say something.
func filled(texts []string) int {
	n := 0
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			n++
		}
	}
	return n
}
