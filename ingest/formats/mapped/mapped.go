// Package mapped reads any CSV, TSV or JSON lines by a mapping, and guesses one from
// a file's beginning.
package mapped

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// Open opens a file that is read by a mapping, whatever it holds.
func Open(in *input.Lines, ids *eventid.Rows, m mapping.Mapping) (input.Rows, error) {
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("the mapping cannot be used: %w", err)
	}
	if missing := m.Missing(); len(missing) > 0 {
		return nil, errors.New("the mapping cannot be used: " + strings.Join(missing, "; "))
	}
	m = withShape(m, in)
	if m.Kind == mapping.KindJSON {
		return openMappedJSON(in, ids, m)
	}
	in.AsLines()
	return openMappedCSV(in, ids, m)
}

// filling fills events from the texts of a row's columns.
type filling struct {
	constant event.Event // what no column changes
	sources  []source
	times    mapping.Times
	timeSays string // how times are expected
	comma    bool   // decimal comma
	joined   []byte
}

// source is where a field of the event comes from.
type source struct {
	field   string
	columns mapping.Columns
	at      []int // where the columns are in a row
	names   string
	values  map[string]string
}

func newFilling(m mapping.Mapping) (filling, error) {
	times, err := m.Times()
	f := filling{constant: event.Event{Quantity: 1}, times: times, timeSays: m.Time, comma: m.DecimalComma}
	if err != nil {
		return f, err
	}
	if f.timeSays == "" {
		f.timeSays = "rfc3339"
	}
	for _, field := range mapping.Fields() {
		if columns := m.Columns[field]; len(columns) > 0 {
			f.sources = append(f.sources, source{field: field, columns: columns, names: columns.String(), values: m.Values[field]})
		}
		if constant := m.Constants[field]; constant != "" {
			if err := f.set(&f.constant, &source{field: field}, constant); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// event fills e from a row's texts.
func (f *filling) event(e *event.Event, texts []string) error {
	*e = f.constant
	for i := range f.sources {
		s := &f.sources[i]
		value := strings.TrimSpace(texts[s.at[0]])
		if len(s.at) > 1 {
			f.joined = f.joined[:0]
			for _, at := range s.at {
				f.joined = append(append(f.joined, ' '), strings.TrimSpace(texts[at])...)
			}
			value = strings.TrimSpace(parse.Text(f.joined))
		}
		if to, ok := s.values[value]; ok {
			value = to
		}
		if err := f.set(e, s, value); err != nil {
			return err
		}
	}
	return nil
}

// set fills one field. A text that is empty is an absent field.
func (f *filling) set(e *event.Event, s *source, value string) error {
	var ok bool
	switch s.field {
	case "timestamp":
		if value == "" {
			return parse.Rejected(event.ReasonMissingField, s.names, "an event needs the time when it happened")
		}
		if e.Timestamp, ok = f.times.Parse(value); !ok {
			return parse.Rejected(event.ReasonBadTime, s.names, "%q is not a time as the mapping says, time=%s", parse.Clip([]byte(value), 128), f.timeSays)
		}
	case "price":
		if value == "" {
			return nil
		}
		if e.Price, e.HasPrice = mapping.ParsePrice(value, f.comma); !e.HasPrice {
			return parse.Rejected(event.ReasonBadPrice, s.names, "%q is not a price of 0 or more", parse.Clip([]byte(value), 128))
		}
	case "quantity":
		if value == "" {
			return nil
		}
		if e.Quantity, ok = mapping.ParseQuantity(value, f.comma); !ok {
			return parse.Rejected(event.ReasonBadQuantity, s.names, "%q is not a whole number of 1 or more", parse.Clip([]byte(value), 128))
		}
	default:
		*mapping.Text(e, s.field) = value
	}
	return nil
}

// used says whether any field comes from the column at that place.
func (f *filling) used(at int) bool {
	return slices.ContainsFunc(f.sources, func(s source) bool { return slices.Contains(s.at, at) })
}
