package formats

import (
	"bytes"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// otto is the JSON lines of the OTTO recommender data set: a line is a session
// with all its events, so the file is in the order of sessions and not of time.
var otto = input.Format{
	Name:    "otto",
	Expects: `JSON lines as in {"session":1,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}`,
	Matches: func(head [][]byte) bool {
		return parse.AnyObject(head, func(line []byte) bool {
			events := parse.Inside(parse.Find(line, "events"))
			first, _ := events.Element()
			return parse.Has(line, "session") && parse.Has(first, "aid", "ts", "type")
		})
	},
	Open: func(_ *input.Lines, ids *eventid.Rows) (input.Rows, error) { return &ottoRows{ids: ids}, nil },
}

type ottoRows struct {
	session string
	events  parse.Cursor // what is left of the line

	properties parse.Properties
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
}

func (r *ottoRows) Next(in *input.Lines, e *event.Event) error {
	for {
		if value, ok := r.events.Element(); ok {
			in.Part(value)
			return r.event(value, e)
		}
		line, err := in.NextObject()
		if err != nil {
			return err
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
}

func (r *ottoRows) line(line []byte) (err error) {
	if r.session, err = parse.ScalarOf(parse.Find(line, "session"), "session"); err != nil {
		return err
	}
	events := parse.Find(line, "events")
	if len(events) == 0 || events[0] != '[' {
		return parse.Rejected(event.ReasonBadType, "events", "a session has an array of events")
	}
	r.events = parse.Inside(events)
	return nil
}

func (r *ottoRows) event(value []byte, e *event.Event) error {
	*e = event.Event{SessionID: r.session, Quantity: 1}
	if !bytes.HasPrefix(value, []byte{'{'}) {
		return parse.Rejected(event.ReasonBadType, "events", "an event is an object")
	}
	var at, kind string
	var err error
	r.properties.Reset()
	for c := parse.Inside(value); ; {
		name, v, ok := c.Member()
		if !ok {
			break
		}
		switch name {
		case "aid":
			e.ProductID, err = parse.ScalarOf(v, name)
		case "ts":
			at, err = parse.ScalarOf(v, name)
		case "type":
			kind, err = parse.ScalarOf(v, name)
		default:
			r.properties.Add(name, v)
		}
		if err != nil {
			return err
		}
	}
	if e.Timestamp, err = parse.Unix(at, "ts", 1000); err != nil {
		return err
	}
	e.Type = ottoType(kind)
	e.Properties = r.properties.Text()
	r.content.Row()
	r.content.Field("session", r.session)
	r.content.Field("aid", e.ProductID)
	r.content.Field("ts", at)
	r.content.Field("type", kind)
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = parse.Text(r.id)
	return nil
}

func ottoType(kind string) string {
	switch kind {
	case "clicks":
		return event.TypeView
	case "carts":
		return event.TypeAddToCart
	case "orders":
		return event.TypePurchase
	}
	return kind
}
