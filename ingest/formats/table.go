package formats

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// table reads the rows of CSV with a header: columns that its format knows, in
// any order, and others.
type table struct {
	known []string // in the order of the id's recipe
	at    []int    // where each is in a row, or -1
	names []string // of all columns, in the file's order
	extra []int    // those that are not known

	split      input.Splitter
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
	properties []byte
}

// newTable reads the header. optional are those of the known columns that may
// be missing.
func newTable(header []byte, known []string, optional ...string) (*table, error) {
	t := &table{known: known, at: slices.Repeat([]int{-1}, len(known))}
	fields, problem := t.split.Split(header)
	if problem != "" {
		return nil, fmt.Errorf("the header is not CSV: %s", problem)
	}
	for i, f := range fields {
		name := string(bytes.TrimSpace(f))
		if slices.Contains(t.names, name) || !utf8.ValidString(name) {
			return nil, fmt.Errorf("the header names column %q twice, or it is not UTF-8", name)
		}
		t.names = append(t.names, name)
		if c := slices.Index(known, name); c >= 0 {
			t.at[c] = i
		} else {
			t.extra = append(t.extra, i)
		}
	}
	var missing []string
	for c, at := range t.at {
		if at < 0 && !slices.Contains(optional, known[c]) {
			missing = append(missing, known[c])
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the header %q lacks %s", parse.Clip(header, 200), strings.Join(missing, ", "))
	}
	return t, nil
}

// openTable reads the header from the file.
func openTable(in *input.Lines, ids *eventid.Rows, known []string, optional ...string) (*table, error) {
	header, err := in.Next()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	t, err := newTable(bytes.TrimSpace(header), known, optional...)
	if err != nil {
		return nil, err
	}
	t.ids = ids
	return t, nil
}

// row splits a line into its fields, good until the next call.
func (t *table) row(line []byte) ([][]byte, error) {
	fields, err := splitLine(&t.split, line)
	if err == nil && len(fields) != len(t.names) {
		err = parse.Rejected(event.ReasonBadRow, "", "the row has %d columns, the header %d", len(fields), len(t.names))
	}
	return fields, err
}

func splitLine(s *input.Splitter, line []byte) ([][]byte, error) {
	if !utf8.Valid(line) {
		return nil, parse.Rejected(event.ReasonBadEncoding, "", "the line is not UTF-8")
	}
	fields, problem := s.Split(line)
	if problem != "" {
		return nil, parse.Rejected(event.ReasonBadRow, "", "%s", problem)
	}
	return fields, nil
}

// column is a known field's text, empty where the file has no such column.
func (t *table) column(fields [][]byte, c int) string {
	if i := t.at[c]; i >= 0 {
		return parse.Text(fields[i])
	}
	return ""
}

// others puts a known column, or -1, and all that are not known into e's
// properties.
func (t *table) others(fields [][]byte, c int, e *event.Event) {
	p := append(t.properties[:0], '{')
	if c >= 0 && t.at[c] >= 0 {
		p = t.appendProperty(p, fields, t.at[c])
	}
	for _, i := range t.extra {
		p = t.appendProperty(p, fields, i)
	}
	t.properties = append(p, '}')
	if len(t.properties) > len("{}") {
		e.Properties = parse.Text(t.properties)
	}
}

func (t *table) appendProperty(p []byte, fields [][]byte, i int) []byte {
	if len(fields[i]) == 0 {
		return p
	}
	if len(p) > 1 {
		p = append(p, ',')
	}
	p = append(parse.AppendJSON(p, []byte(t.names[i])), ':')
	return parse.AppendJSON(p, fields[i])
}

// makeID takes the fields as they are in the file: the known ones in the
// format's order, then the others in the file's.
func (t *table) makeID(fields [][]byte, e *event.Event) (err error) {
	t.content.Row()
	for c, name := range t.known {
		t.content.Field(name, t.column(fields, c))
	}
	for _, i := range t.extra {
		t.content.Field(t.names[i], parse.Text(fields[i]))
	}
	if t.id, err = t.ids.AppendID(t.id[:0], &t.content); err != nil {
		return err
	}
	e.ID = parse.Text(t.id)
	return nil
}
