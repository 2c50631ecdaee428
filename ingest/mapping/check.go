package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"clickstream/internal/event"
)

// Check reports everything that is wrong with the mapping, each with the field
// and the way out.
func (m Mapping) Check() error {
	var c checking
	c.known(m)
	for _, field := range fields {
		c.columns(m, field)
		c.constant(m, field)
		if len(m.Values[field]) > 0 && len(m.Columns[field]) == 0 && !m.Auto {
			c.bad("%s: the texts to replace belong to no column: write %s=COLUMN too", field, field)
		}
		for _, from := range slices.Sorted(maps.Keys(m.Values[field])) {
			to := m.Values[field][from]
			c.text(field, from)
			c.text(field, to)
			if field == "event_type" && to != "" {
				c.fits(field, to, m.DecimalComma)
			}
		}
	}
	c.dropped(m)
	c.shape(m)
	if !m.Auto {
		for _, missing := range m.Missing() {
			c.bad("%s", missing)
		}
	}
	return errors.Join(c...)
}

// Missing says what the mapping lacks to give events, and how to give it.
func (m Mapping) Missing() []string {
	var missing []string
	if !m.Has("event_type") {
		missing = append(missing, "event_type is missing: write event_type=COLUMN, or event_type='view' where every row is a view")
	}
	if !m.Has("timestamp") {
		missing = append(missing, "timestamp is missing: write timestamp=COLUMN, or timestamp=DATE+TIME where these are two columns")
	}
	if !m.Has("user_id") && !m.Has("session_id") {
		missing = append(missing, "user_id and session_id are missing: write user_id=COLUMN or session_id=COLUMN")
	}
	return missing
}

// Has says whether the field comes from a column or is a constant.
func (m Mapping) Has(field string) bool {
	_, constant := m.Constants[field]
	return constant || len(m.Columns[field]) > 0
}

type checking []error

func (c *checking) bad(format string, args ...any) { *c = append(*c, fmt.Errorf(format, args...)) }

func (c *checking) known(m Mapping) {
	names := slices.Concat(slices.Collect(maps.Keys(m.Columns)), slices.Collect(maps.Keys(m.Constants)), slices.Collect(maps.Keys(m.Values)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !slices.Contains(fields, name) {
			c.bad("%q is no field of an event: the fields are %s", name, strings.Join(fields, ", "))
		}
	}
}

func (c *checking) columns(m Mapping, field string) {
	columns, ok := m.Columns[field]
	if !ok {
		return
	}
	if _, constant := m.Constants[field]; constant {
		c.bad("%s is both a column and a constant: give one of them", field)
	}
	if len(columns) == 0 || len(columns) > 1 && field != "timestamp" {
		c.bad("%s is made of %d columns: give one; only timestamp may be made of several", field, len(columns))
	}
	for _, column := range columns {
		c.column(m, field, column)
	}
}

func (c *checking) column(m Mapping, entry string, column Column) {
	switch {
	case column.Position < 0 || column.Position > 0 && column.Name != "" || column.Position == 0 && column.Name == "":
		c.bad("%s: a column has a name or a position from 1", entry)
	case column.Position > 0 && m.Kind == KindJSON:
		c.bad("%s: JSON lines have no column #%d: give the member's name", entry, column.Position)
	case column.Position == 0 && m.NoHeader && m.Kind != KindJSON:
		c.bad("%s: a file without a header has no column %q: give its position, as in %s=#1", entry, column.Name, entry)
	}
	c.text(entry, column.Name)
}

// dropped checks the columns that are left out.
func (c *checking) dropped(m Mapping) {
	for _, column := range m.Drop {
		c.column(m, drop, column)
		for _, field := range fields {
			if slices.Contains(m.Columns[field], column) {
				c.bad("%s: the column %s is %s, too: take it out of one of them", drop, Columns{column}, field)
			}
		}
	}
}

func (c *checking) text(field, text string) {
	if !utf8.ValidString(text) {
		c.bad("%s: %q is not UTF-8", field, text)
	}
}

// constant checks a constant by the rules of events.
func (c *checking) constant(m Mapping, field string) {
	text, ok := m.Constants[field]
	switch {
	case !ok:
		return
	case field == "event_id" || field == "timestamp":
		c.bad("%s cannot be the same in every event: give a column", field)
		return
	case text == "":
		c.bad("%s is an empty text: leave it out", field)
		return
	}
	c.text(field, text)
	c.fits(field, text, m.DecimalComma)
}

// fits reports a text that no valid event holds in the field.
func (c *checking) fits(field, text string, decimalComma bool) {
	now := event.MillisOf(time.Now())
	e := event.Event{ID: "id", Type: event.TypeView, Timestamp: now, UserID: "u", ProductID: "p", Quantity: 1}
	var ok bool
	switch field {
	case "price":
		if _, ok = ParsePrice(text, decimalComma); !ok {
			c.bad("price: %q is not a price of 0 or more", text)
		}
	case "quantity":
		if _, ok = ParseQuantity(text, decimalComma); !ok {
			c.bad("quantity: %q is not a whole number of 1 or more", text)
		}
	default:
		*Text(&e, field) = text
	}
	if err := e.Validate(now); err != nil {
		c.bad("%w", err)
	}
}

// Text is where an event keeps a field that is a text, or nil.
func Text(e *event.Event, field string) *string {
	switch field {
	case "event_id":
		return &e.ID
	case "event_type":
		return &e.Type
	case "user_id":
		return &e.UserID
	case "session_id":
		return &e.SessionID
	case "product_id":
		return &e.ProductID
	case "product_category":
		return &e.ProductCategory
	case "brand":
		return &e.Brand
	case "currency":
		return &e.Currency
	case "order_id":
		return &e.OrderID
	case "device_type":
		return &e.DeviceType
	case "page_url":
		return &e.PageURL
	case "source":
		return &e.Source
	}
	return nil
}

func (c *checking) shape(m Mapping) {
	if _, err := m.Times(); err != nil {
		*c = append(*c, err)
	}
	switch {
	case m.Skip < 0:
		c.bad("skip=%d is no number of lines", m.Skip)
	case m.Kind != "" && m.Kind != KindCSV && m.Kind != KindJSON:
		c.bad("kind %q is not known: %s", m.Kind, choices["kind"])
	case m.Quote != 0 && m.Quote != '"' && m.Quote != '\'' && m.Quote != NoQuote:
		c.bad("quote %q is not known: %s", m.Quote, choices["quote"])
	}
	if s := m.Separator; s != 0 && (s >= utf8.RuneSelf || s != '\t' && unicode.IsControl(rune(s)) || unicode.IsLetter(rune(s)) || unicode.IsDigit(rune(s)) || strings.ContainsRune(`"'#.`, rune(s))) {
		c.bad("separator %q cannot separate columns: %s that is neither a letter, a digit nor a quote", s, choices["separator"])
	}
	if m.Encoding != "" {
		if _, err := htmlindex.Get(m.Encoding); err != nil {
			c.bad("encoding %q is not known: give utf-8, utf-16le, utf-16be, windows-1252 (latin1), or another name from the WHATWG's list of encodings", m.Encoding)
		}
	}
}
