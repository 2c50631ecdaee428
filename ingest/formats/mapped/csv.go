package mapped

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// mappedCSV reads values with a separator by a mapping. A row's id is made from
// all its columns as read, dropped ones too, in the file's order, under their names
// in columnNames.
type mappedCSV struct {
	filling
	names []string // of the columns
	extra []extraColumn
	quote byte

	split      input.Splitter
	texts      []string
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
	properties []byte
}

// extraColumn is a column that goes into the properties.
type extraColumn struct {
	at   int
	name []byte // as JSON, with a colon
}

func openMappedCSV(in *input.Lines, ids *eventid.Rows, m mapping.Mapping) (input.Rows, error) {
	fill, err := newFilling(m)
	if err != nil {
		return nil, err
	}
	r := &mappedCSV{filling: fill, quote: m.Quote, ids: ids, split: input.Splitter{Comma: m.Separator, Quote: m.Quote}}
	if err := r.header(in, m.NoHeader); err != nil {
		return nil, err
	}
	var errs []error
	for i := range r.sources {
		s := &r.sources[i]
		s.at, err = r.place(s.field, s.columns)
		errs = append(errs, err)
	}
	dropped, err := r.place("drop", m.Drop)
	errs = append(errs, err)
	for at, name := range r.names {
		if !r.used(at) && !slices.Contains(dropped, at) {
			r.extra = append(r.extra, extraColumn{at, append(parse.AppendJSON(nil, []byte(name)), ':')})
		}
	}
	return r, errors.Join(errs...)
}

// header reads the header, or counts the columns of a file without one.
func (r *mappedCSV) header(in *input.Lines, none bool) error {
	first := in.Buffered()
	if _, ok := separatorLine(first); ok {
		if _, err := in.Next(); err != nil {
			return err
		}
		first = in.Buffered()
	}
	first = bytes.TrimLeft(first, "\r\n")
	var line []byte
	var err error
	if none {
		n := input.RecordLen(first[:min(len(first), input.MaxRecord)], r.split.Comma, r.quote)
		if n < 0 {
			n = max(0, bytes.IndexByte(first, '\n'))
		}
		line = bytes.TrimSuffix(first[:n], []byte{'\r'})
	} else if line, err = r.record(in); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if !utf8.Valid(line) {
		return errors.New("the first line is not UTF-8: name its encoding, as in encoding=windows-1252")
	}
	fields, problem := r.split.Split(line)
	if problem != "" {
		return fmt.Errorf("the first line cannot be split into columns: %s", problem)
	}
	r.names = columnNames(fields, none)
	return nil
}

// columnNames are the names of a file's columns. One without a name, or with
// the name of an earlier one, is called by its position.
func columnNames(header [][]byte, none bool) []string {
	var names []string
	for i, f := range header {
		name := string(bytes.TrimSpace(f))
		if none || name == "" || slices.Contains(names, name) {
			name = "#" + strconv.Itoa(i+1)
		}
		names = append(names, name)
	}
	return names
}

// place finds the columns of an entry of the mapping.
func (r *mappedCSV) place(entry string, columns mapping.Columns) (places []int, err error) {
	for _, column := range columns {
		at := column.Position - 1
		if column.Position == 0 {
			at = slices.Index(r.names, column.Name)
		}
		if at < 0 || at >= len(r.names) {
			return nil, fmt.Errorf("%s: the file has no column %s; it has %s", entry, mapping.Columns{column}, parse.Clip([]byte(strings.Join(r.names, ", ")), 1000))
		}
		places = append(places, at)
	}
	return places, nil
}

func (r *mappedCSV) record(in *input.Lines) ([]byte, error) {
	if r.quote == mapping.NoQuote {
		return in.Next()
	}
	return in.NextQuoted(r.split.Comma, r.quote)
}

func (r *mappedCSV) Next(in *input.Lines, e *event.Event) error {
	line, err := r.record(in)
	if err != nil {
		return err
	}
	if !utf8.Valid(line) {
		return parse.Rejected(event.ReasonBadEncoding, "", "the row is not UTF-8: name the file's encoding, as in encoding=windows-1252")
	}
	fields, problem := r.split.Split(line)
	if problem != "" {
		return parse.Rejected(event.ReasonBadRow, "", "%s", problem)
	}
	// Some programs end each row with a separator, and not the header.
	for len(fields) > len(r.names) && len(fields[len(fields)-1]) == 0 {
		fields = fields[:len(fields)-1]
	}
	if len(fields) != len(r.names) {
		return parse.Rejected(event.ReasonBadRow, "", "the row has %d columns, the first one %d", len(fields), len(r.names))
	}
	r.texts = r.texts[:0]
	for _, f := range fields {
		r.texts = append(r.texts, parse.Text(f))
	}
	if err := r.event(e, r.texts); err != nil {
		return err
	}
	r.others(fields, e)
	r.content.Row()
	for i, name := range r.names {
		r.content.Field(name, r.texts[i])
	}
	if e.ID != "" {
		return nil
	}
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = parse.Text(r.id)
	return nil
}

// others puts the columns that are not mapped into the properties. What exceeds
// an event's limit is left out and counted, for an event is worth more.
func (r *mappedCSV) others(fields [][]byte, e *event.Event) {
	const room = len(`,"left_out":1000000}`)
	p := append(r.properties[:0], '{')
	leftOut := 0
	for _, column := range r.extra {
		if len(fields[column.at]) == 0 {
			continue
		}
		before := len(p)
		if before > 1 {
			p = append(p, ',')
		}
		p = append(p, column.name...)
		if p = parse.AppendJSON(p, fields[column.at]); len(p)+room > event.MaxProperties {
			p = p[:before]
			leftOut++
		}
	}
	if leftOut > 0 {
		if len(p) > 1 {
			p = append(p, ',')
		}
		p = strconv.AppendInt(append(p, `"left_out":`...), int64(leftOut), 10)
	}
	r.properties = append(p, '}')
	if len(r.properties) > len("{}") {
		e.Properties = parse.Text(r.properties)
	}
}
