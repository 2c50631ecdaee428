package formats

import (
	"strconv"

	"clickstream/ingest/eventid"
	"clickstream/internal/event"
)

// taobao is UserBehavior.csv of the Taobao data set, which has no header and no
// sessions. It is in the order of users, so its times jump, and a few of them
// lie decades off.
var taobao = format{
	name:    "taobao",
	expects: "CSV without a header, user,item,category,type,time, the type pv, cart, fav or buy, times in Unix seconds",
	matches: func(head [][]byte) bool {
		var s splitter
		for _, line := range head {
			if fields, problem := s.split(line); problem != "" || !taobaoShape(fields) {
				return false
			}
		}
		return true
	},
	open: func(_ *lines, ids *eventid.Rows) (rows, error) { return &taobaoRows{ids: ids}, nil },
}

// taobaoShape is strict: nothing else tells this file from others.
func taobaoShape(fields [][]byte) bool {
	if len(fields) != len(taobaoColumns) || taobaoType(text(fields[3])) == "" || len(fields[4]) != 10 {
		return false
	}
	for _, i := range []int{0, 1, 2, 4} {
		if _, err := strconv.ParseUint(text(fields[i]), 10, 63); err != nil {
			return false
		}
	}
	return true
}

// The names are the data set's, in the order of the file and of the id's recipe.
var taobaoColumns = [...]string{"user", "item", "category", "type", "time"}

type taobaoRows struct {
	split   splitter
	content eventid.Content
	ids     *eventid.Rows
	id      []byte
}

func (r *taobaoRows) next(in *lines, e *event.Event) error {
	line, err := in.next()
	if err != nil {
		return err
	}
	fields, err := splitLine(&r.split, line)
	if err != nil {
		return err
	}
	if len(fields) != len(taobaoColumns) {
		return rejected(event.ReasonBadRow, "", "a row has %d columns, this one has %d", len(taobaoColumns), len(fields))
	}
	*e = event.Event{
		UserID:          text(fields[0]),
		ProductID:       text(fields[1]),
		ProductCategory: text(fields[2]),
		Type:            taobaoType(text(fields[3])),
		Quantity:        1,
	}
	if e.Type == "" {
		return rejected(event.ReasonBadEventType, "type", "%q is none of pv, cart, fav and buy", clip(fields[3], 128))
	}
	if e.Timestamp, err = readUnix(text(fields[4]), "time", 1); err != nil {
		return err
	}
	r.content.Row()
	for i, name := range taobaoColumns {
		r.content.Field(name, text(fields[i]))
	}
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = text(r.id)
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
