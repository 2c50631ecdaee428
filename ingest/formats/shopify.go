package formats

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// shopify is the CSV of Shopify's export of orders: a row is a line of an order,
// and what the order as a whole has is in its first row only. Cells hold line
// ends. It is full of people's names and addresses, none of which become part
// of an event: of the columns only those below are read.
var shopify = input.Format{
	Name:    "shopify",
	Expects: "CSV of Shopify's export of orders, with the columns Name, Created at, Lineitem quantity, Lineitem name and Lineitem price",
	Matches: func(head [][]byte) bool {
		_, err := newTable(head[0], shopifyColumns, shopifyOptional...)
		return err == nil
	},
	Open: func(in *input.Lines, ids *eventid.Rows) (input.Rows, error) {
		t, err := openTable(in, ids, shopifyColumns, shopifyOptional...)
		if err != nil {
			return nil, err
		}
		return &shopifyRows{table: t}, nil
	},
}

const (
	shopName = iota
	shopCreated
	shopQuantity
	shopItem
	shopPrice
	shopSKU
	shopVendor
	shopEmail
	shopPaid
	shopCurrency
	shopItemKept // the first of a row's columns that are kept in the properties
	_
	shopOrderKept // the first of an order's that are
)

// Columns that change after the order, such as its status, are not read: the
// order's events are the same in every export.
var (
	shopifyColumns = []string{
		"Name", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price",
		"Lineitem sku", "Vendor", "Email", "Paid at", "Currency",
		"Lineitem compare at price", "Lineitem discount",
		"Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount",
		"Shipping Method", "Payment Method", "Source", "Billing Country", "Shipping Country",
	}
	shopifyOptional = shopifyColumns[shopSKU:]
)

type shopifyRows struct {
	*table
	order    event.Event      // what the order's events have in common
	kept     parse.Properties // the order's
	position int              // of the row in the order, from 0
	own      parse.Properties
}

func (r *shopifyRows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.NextRecord(',')
	if err != nil {
		return err
	}
	fields, err := r.row(line)
	if err != nil {
		return err
	}
	name := r.column(fields, shopName)
	if name == "" {
		return parse.Rejected(event.ReasonMissingField, "Name", "a row has the name of its order")
	}
	if r.position++; name != r.order.OrderID {
		if err := r.begin(fields); err != nil {
			return err
		}
	}
	if r.order.Timestamp == 0 {
		return parse.Rejected(event.ReasonMissingField, "Created at", "the first row of order %s has the time of the order, and that row is missing or was rejected", parse.Clip([]byte(name), 128))
	}
	*e = r.order
	e.Brand = r.column(fields, shopVendor)
	item := r.column(fields, shopItem)
	if e.ProductID = r.column(fields, shopSKU); e.ProductID == "" {
		e.ProductID, item = item, ""
	}
	if e.ProductID == "" {
		return parse.Rejected(event.ReasonMissingField, "Lineitem name", "a row has the name or the SKU of what was bought")
	}
	if err := parse.Price(e, r.column(fields, shopPrice), "Lineitem price"); err != nil {
		return err
	}
	if err := parse.Quantity(e, r.column(fields, shopQuantity), "Lineitem quantity"); err != nil {
		return err
	}
	r.own.Reset()
	r.own.Add("lineitem_name", parse.AppendJSON(nil, []byte(item)))
	r.keep(&r.own, fields, shopItemKept, shopOrderKept)
	r.own.AddAll(&r.kept)
	e.Properties = r.own.Text()
	r.id = append(append(r.id[:0], name...), '/')
	r.id = strconv.AppendInt(r.id, int64(r.position), 10)
	e.ID = parse.Text(r.id)
	return nil
}

// begin takes from the first row of an order what all its rows have in common.
func (r *shopifyRows) begin(fields [][]byte) (err error) {
	r.position = 0
	r.order = event.Event{
		Type:     event.TypePurchase,
		OrderID:  strings.Clone(r.column(fields, shopName)),
		Currency: strings.Clone(r.column(fields, shopCurrency)),
		Quantity: 1,
	}
	r.kept.Reset()
	r.keep(&r.kept, fields, shopOrderKept, len(shopifyColumns))
	if email := strings.ToLower(strings.TrimSpace(r.column(fields, shopEmail))); email != "" {
		sum := sha256.Sum256([]byte(email))
		r.order.UserID = hex.EncodeToString(sum[:16])
	} else {
		r.order.SessionID = r.order.OrderID
	}
	for _, c := range []int{shopCreated, shopPaid} {
		if at := r.column(fields, c); at != "" {
			r.order.Timestamp, err = shopifyTime(at, shopifyColumns[c])
			return err
		}
	}
	return nil
}

// keep adds columns to properties.
func (r *shopifyRows) keep(p *parse.Properties, fields [][]byte, from, to int) {
	for c := from; c < to; c++ {
		if value := r.column(fields, c); value != "" {
			p.Add(parse.SnakeCase(shopifyColumns[c]), parse.AppendJSON(nil, []byte(value)))
		}
	}
}

// shopifyTime reads a time as in 2019-10-01 12:34:56 -0400.
func shopifyTime(s, field string) (event.Millis, error) {
	if n := len("2019-10-01 12:34:56"); len(s) == n+len(" -0400") && s[n] == ' ' && slices.Contains([]byte("+-"), s[n+1]) {
		s = s[:n] + s[n+1:n+4] + ":" + s[n+4:]
	}
	at, ok := event.ParseTime(s, true)
	if !ok {
		return 0, parse.Rejected(event.ReasonBadTime, field, "%q is not a time as in 2019-10-01 12:34:56 -0400", parse.Clip([]byte(s), 128))
	}
	return at, nil
}
