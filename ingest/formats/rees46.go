package formats

import (
	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// rees46 is the CSV of the REES46 marketing platform's public data sets: a
// header and one event a line, with or without the category and brand columns,
// in any order. Columns that we do not know are kept in the properties.
var rees46 = input.Format{
	Name:    "rees46",
	Expects: "CSV with the header event_time,event_type,product_id[,category_id,category_code,brand],price,user_id,user_session, in any order",
	Matches: func(head [][]byte) bool {
		_, err := newTable(head[0], rees46Columns[:], rees46Optional...)
		return err == nil
	},
	Open: func(in *input.Lines, ids *eventid.Rows) (input.Rows, error) {
		t, err := openTable(in, ids, rees46Columns[:], rees46Optional...)
		if err != nil {
			return nil, err
		}
		return rees46Rows{t}, nil
	},
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

var rees46Optional = []string{"category_id", "category_code", "brand"}

type rees46Rows struct{ *table }

func (r rees46Rows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.Next()
	if err != nil {
		return err
	}
	fields, err := r.row(line)
	if err != nil {
		return err
	}
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
		return parse.Rejected(event.ReasonMissingField, "event_time", "an event needs the time when it happened")
	}
	var ok bool
	if e.Timestamp, ok = event.ParseTime(at, true); !ok {
		return parse.Rejected(event.ReasonBadTime, "event_time", "%q is not a time as in 2019-10-01 00:00:00 UTC", parse.Clip([]byte(at), 128))
	}
	if err := parse.Price(e, r.column(fields, colPrice), "price"); err != nil {
		return err
	}
	r.others(fields, colCategoryID, e)
	return r.makeID(fields, e)
}
