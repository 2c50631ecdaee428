package formats

import (
	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// retailrocket is events.csv of the RetailRocket data set. Its rows are in no
// order, and what it knows of products is in other files.
var retailrocket = input.Format{
	Name:    "retailrocket",
	Expects: "CSV with the header timestamp,visitorid,event,itemid[,transactionid], times in Unix milliseconds",
	Matches: func(head [][]byte) bool {
		_, err := newTable(head[0], retailrocketColumns[:], "transactionid")
		return err == nil
	},
	Open: func(in *input.Lines, ids *eventid.Rows) (input.Rows, error) {
		t, err := openTable(in, ids, retailrocketColumns[:], "transactionid")
		if err != nil {
			return nil, err
		}
		return retailrocketRows{t}, nil
	},
}

// The order is that of the id's recipe.
var retailrocketColumns = [...]string{"timestamp", "visitorid", "event", "itemid", "transactionid"}

type retailrocketRows struct{ *table }

func (r retailrocketRows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.Next()
	if err != nil {
		return err
	}
	fields, err := r.row(line)
	if err != nil {
		return err
	}
	*e = event.Event{
		UserID:    r.column(fields, 1),
		Type:      retailrocketType(r.column(fields, 2)),
		ProductID: r.column(fields, 3),
		OrderID:   r.column(fields, 4),
		Quantity:  1,
	}
	if e.Timestamp, err = parse.Unix(r.column(fields, 0), "timestamp", 1000); err != nil {
		return err
	}
	r.others(fields, -1, e)
	return r.makeID(fields, e)
}

func retailrocketType(name string) string {
	switch name {
	case "addtocart":
		return event.TypeAddToCart
	case "transaction":
		return event.TypePurchase
	}
	return name
}
