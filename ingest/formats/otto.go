package formats

import (
	"bytes"

	"clickstream/ingest/eventid"
	"clickstream/internal/event"
)

// otto is the JSON lines of the OTTO recommender data set: a line is a session
// with all its events, so the file is in the order of sessions and not of time.
var otto = format{
	name:    "otto",
	expects: `JSON lines as in {"session":1,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}`,
	matches: func(head [][]byte) bool {
		return anyObject(head, func(line []byte) bool {
			events := inside(find(line, "events"))
			first, _ := events.element()
			return has(line, "session") && has(first, "aid", "ts", "type")
		})
	},
	open: func(_ *lines, ids *eventid.Rows) (rows, error) { return &ottoRows{ids: ids}, nil },
}

type ottoRows struct {
	session string
	events  cursor // what is left of the line

	properties properties
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
}

func (r *ottoRows) next(in *lines, e *event.Event) error {
	for {
		if value, ok := r.events.element(); ok {
			in.last = value
			return r.event(value, e)
		}
		line, err := nextObject(in)
		if err != nil {
			return err
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
}

func (r *ottoRows) line(line []byte) (err error) {
	if r.session, err = scalarOf(find(line, "session"), "session"); err != nil {
		return err
	}
	events := find(line, "events")
	if len(events) == 0 || events[0] != '[' {
		return rejected(event.ReasonBadType, "events", "a session has an array of events")
	}
	r.events = inside(events)
	return nil
}

func (r *ottoRows) event(value []byte, e *event.Event) error {
	*e = event.Event{SessionID: r.session, Quantity: 1}
	if !bytes.HasPrefix(value, []byte{'{'}) {
		return rejected(event.ReasonBadType, "events", "an event is an object")
	}
	var at, kind string
	var err error
	r.properties.reset()
	for c := inside(value); ; {
		name, v, ok := c.member()
		if !ok {
			break
		}
		switch name {
		case "aid":
			e.ProductID, err = scalarOf(v, name)
		case "ts":
			at, err = scalarOf(v, name)
		case "type":
			kind, err = scalarOf(v, name)
		default:
			r.properties.add(name, v)
		}
		if err != nil {
			return err
		}
	}
	if e.Timestamp, err = readUnix(at, "ts", 1000); err != nil {
		return err
	}
	e.Type = ottoType(kind)
	e.Properties = r.properties.text()
	r.content.Row()
	r.content.Field("session", r.session)
	r.content.Field("aid", e.ProductID)
	r.content.Field("ts", at)
	r.content.Field("type", kind)
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = text(r.id)
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
