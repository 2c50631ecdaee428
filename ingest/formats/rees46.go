package formats

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"clickstream/ingest/eventid"
	"clickstream/internal/event"
)

// rees46 is the CSV of the REES46 marketing platform's public data sets: a
// header and one event a line, with or without the category and brand columns,
// in any order. Columns that we do not know are kept in the properties.
var rees46 = format{
	name:    "rees46",
	expects: "CSV with the header event_time,event_type,product_id[,category_id,category_code,brand],price,user_id,user_session, in any order",
	matches: func(head [][]byte) bool {
		_, err := rees46Header(head[0])
		return err == nil
	},
	open: openRees46,
}

const (
	colTime = iota
	colType
	colProduct
	colCategoryID
	colCategory
	colBrand
	colPrice
	colUser
	colSession
)

// The order is that of the id's recipe, whatever the file's is.
var rees46Columns = [...]string{
	colTime: "event_time", colType: "event_type", colProduct: "product_id",
	colCategoryID: "category_id", colCategory: "category_code", colBrand: "brand",
	colPrice: "price", colUser: "user_id", colSession: "user_session",
}

type rees46Rows struct {
	columns [len(rees46Columns)]int // where each is in a row, or -1
	names   []string                // of all columns, in the file's order
	extra   []int                   // those we do not know

	split      splitter
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
	properties []byte
}

func openRees46(in *lines, ids *eventid.Rows) (rows, error) {
	header, err := in.next()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	r, err := rees46Header(bytes.TrimSpace(header))
	if err != nil {
		return nil, err
	}
	r.ids = ids
	return r, nil
}

func rees46Header(line []byte) (*rees46Rows, error) {
	r := &rees46Rows{}
	fields, problem := r.split.split(line)
	if problem != "" {
		return nil, fmt.Errorf("the header is not CSV: %s", problem)
	}
	for i := range r.columns {
		r.columns[i] = -1
	}
	for i, f := range fields {
		name := string(bytes.TrimSpace(f))
		if slices.Contains(r.names, name) || !utf8.ValidString(name) {
			return nil, fmt.Errorf("the header names column %q twice, or it is not UTF-8", name)
		}
		r.names = append(r.names, name)
		if c := slices.Index(rees46Columns[:], name); c >= 0 {
			r.columns[c] = i
		} else {
			r.extra = append(r.extra, i)
		}
	}
	var missing []string
	for c, at := range r.columns {
		if optional := c == colCategoryID || c == colCategory || c == colBrand; at < 0 && !optional {
			missing = append(missing, rees46Columns[c])
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the header %q lacks %s", clip(line, 200), strings.Join(missing, ", "))
	}
	return r, nil
}

func (r *rees46Rows) next(in *lines, e *event.Event) error {
	line, err := in.next()
	if err != nil {
		return err
	}
	if !utf8.Valid(line) {
		return rejected(event.ReasonBadEncoding, "", "the line is not UTF-8")
	}
	fields, problem := r.split.split(line)
	if problem != "" {
		return rejected(event.ReasonBadRow, "", "%s", problem)
	}
	if len(fields) != len(r.names) {
		return rejected(event.ReasonBadRow, "", "the row has %d columns, the header %d", len(fields), len(r.names))
	}
	if err := r.event(fields, e); err != nil {
		return err
	}
	return r.makeID(fields, e)
}

// column is a field's text, empty where the file has no such column.
func (r *rees46Rows) column(fields [][]byte, c int) string {
	if i := r.columns[c]; i >= 0 {
		return text(fields[i])
	}
	return ""
}

func (r *rees46Rows) event(fields [][]byte, e *event.Event) error {
	*e = event.Event{
		Type:            r.column(fields, colType),
		ProductID:       r.column(fields, colProduct),
		ProductCategory: r.column(fields, colCategory),
		Brand:           r.column(fields, colBrand),
		UserID:          r.column(fields, colUser),
		SessionID:       r.column(fields, colSession),
		Quantity:        1,
	}
	if e.Type == "cart" {
		e.Type = event.TypeAddToCart
	}
	at := r.column(fields, colTime)
	if at == "" {
		return rejected(event.ReasonMissingField, "event_time", "an event needs the time when it happened")
	}
	var ok bool
	if e.Timestamp, ok = event.ParseTime(at, true); !ok {
		return rejected(event.ReasonBadTime, "event_time", "%q is not a time as in 2019-10-01 00:00:00 UTC", clip([]byte(at), 128))
	}
	if price := r.column(fields, colPrice); price != "" {
		if e.Price, e.HasPrice = event.ParsePrice(price); !e.HasPrice {
			return rejected(event.ReasonBadPrice, "price", "%q is not a price of 0 or more", clip([]byte(price), 128))
		}
	}
	p := append(r.properties[:0], '{')
	if id := r.columns[colCategoryID]; id >= 0 && len(fields[id]) > 0 {
		p = appendJSON(append(p, `"category_id":`...), fields[id])
	}
	for _, i := range r.extra {
		if len(fields[i]) == 0 {
			continue
		}
		if len(p) > 1 {
			p = append(p, ',')
		}
		p = append(appendJSON(p, []byte(r.names[i])), ':')
		p = appendJSON(p, fields[i])
	}
	r.properties = append(p, '}')
	if len(r.properties) > len("{}") {
		e.Properties = text(r.properties)
	}
	return nil
}

// makeID takes the fields as they are in the file: the known ones in our
// order, then the others in the file's.
func (r *rees46Rows) makeID(fields [][]byte, e *event.Event) (err error) {
	r.content.Row()
	for c, name := range rees46Columns {
		r.content.Field(name, r.column(fields, c))
	}
	for _, i := range r.extra {
		r.content.Field(r.names[i], text(fields[i]))
	}
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = text(r.id)
	return nil
}
