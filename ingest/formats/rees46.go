package formats

import (
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
		_, err := newTable(head[0], rees46Columns[:], rees46Optional...)
		return err == nil
	},
	open: func(in *lines, ids *eventid.Rows) (rows, error) {
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

func (r rees46Rows) next(in *lines, e *event.Event) error {
	line, err := in.next()
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
		return rejected(event.ReasonMissingField, "event_time", "an event needs the time when it happened")
	}
	var ok bool
	if e.Timestamp, ok = event.ParseTime(at, true); !ok {
		return rejected(event.ReasonBadTime, "event_time", "%q is not a time as in 2019-10-01 00:00:00 UTC", clip([]byte(at), 128))
	}
	if err := readPrice(e, r.column(fields, colPrice), "price"); err != nil {
		return err
	}
	r.others(fields, colCategoryID, e)
	return r.makeID(fields, e)
}
