package formats

import (
	"strconv"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// taobao is UserBehavior.csv of the Taobao data set, which has no header and no
// sessions. It is in the order of users, so its times jump, and a few of them
// lie decades off.
var taobao = input.Format{
	Name:    "taobao",
	Expects: "CSV without a header, user,item,category,type,time, the type pv, cart, fav or buy, times in Unix seconds",
	Matches: func(head [][]byte) bool {
		var s input.Splitter
		for _, line := range head {
			if fields, problem := s.Split(line); problem != "" || !taobaoShape(fields) {
				return false
			}
		}
		return true
	},
	Open: func(_ *input.Lines, ids *eventid.Rows) (input.Rows, error) { return &taobaoRows{ids: ids}, nil },
}

// taobaoShape is strict: nothing else tells this file from others.
func taobaoShape(fields [][]byte) bool {
	if len(fields) != len(taobaoColumns) || taobaoType(parse.Text(fields[3])) == "" || len(fields[4]) != 10 {
		return false
	}
	for _, i := range []int{0, 1, 2, 4} {
		if _, err := strconv.ParseUint(parse.Text(fields[i]), 10, 63); err != nil {
			return false
		}
	}
	return true
}

// The names are the data set's, in the order of the file and of the id's recipe.
var taobaoColumns = [...]string{"user", "item", "category", "type", "time"}

type taobaoRows struct {
	split   input.Splitter
	content eventid.Content
	ids     *eventid.Rows
	id      []byte
}

func (r *taobaoRows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.Next()
	if err != nil {
		return err
	}
	fields, err := splitLine(&r.split, line)
	if err != nil {
		return err
	}
	if len(fields) != len(taobaoColumns) {
		return parse.Rejected(event.ReasonBadRow, "", "a row has %d columns, this one has %d", len(taobaoColumns), len(fields))
	}
	*e = event.Event{
		UserID:          parse.Text(fields[0]),
		ProductID:       parse.Text(fields[1]),
		ProductCategory: parse.Text(fields[2]),
		Type:            taobaoType(parse.Text(fields[3])),
		Quantity:        1,
	}
	if e.Type == "" {
		return parse.Rejected(event.ReasonBadEventType, "type", "%q is none of pv, cart, fav and buy", parse.Clip(fields[3], 128))
	}
	if e.Timestamp, err = parse.Unix(parse.Text(fields[4]), "time", 1); err != nil {
		return err
	}
	r.content.Row()
	for i, name := range taobaoColumns {
		r.content.Field(name, parse.Text(fields[i]))
	}
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = parse.Text(r.id)
	return nil
}

func taobaoType(name string) string {
	switch name {
	case "pv":
		return event.TypeView
	case "cart":
		return event.TypeAddToCart
	case "fav":
		return event.TypeWishlist
	case "buy":
		return event.TypePurchase
	}
	return ""
}
