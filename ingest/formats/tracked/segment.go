package tracked

import (
	"slices"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// Segment is the JSON lines of raw exports of Segment and RudderStack: a line is
// a call of track, page, screen and so on as it was received.
var Segment = input.Format{
	Name:    "segment",
	Expects: `JSON lines of Segment's and RudderStack's raw exports, with type, event, properties, messageId, timestamp, userId and anonymousId`,
	Matches: func(head [][]byte) bool {
		return parse.AnyObject(head, func(line []byte) bool {
			return parse.Has(line, "type") && (parse.Has(line, "anonymousId") || parse.Has(line, "userId")) &&
				(parse.Has(line, "timestamp") || parse.Has(line, "originalTimestamp"))
		})
	},
	Open: segmentTool.open,
}

var segmentTool = &tool{read: readSegment, products: "properties.products", one: "properties.product_id", product: specNames}

// specNames are those of Segment's specification, which others follow.
var specNames = productNames{
	id: "product_id", otherID: "sku", category: "category", brand: "brand",
	price: "price", quantity: "quantity", url: "url", currency: "currency",
}

func readSegment(line []byte, t *tracked) (err error) {
	call, err := parse.ScalarOf(parse.Find(line, "type"), "type")
	if err != nil {
		return err
	}
	name := call
	switch call {
	case "":
		return parse.Rejected(event.ReasonMissingField, "type", "a line has the type of its call, such as track or page")
	case "track":
		if name, err = parse.ScalarOf(parse.Find(line, "event"), "event"); err != nil {
			return err
		}
		if name == "" {
			return parse.Rejected(event.ReasonMissingField, "event", "a call of track has the event's name")
		}
	}
	t.is(name)
	context := parse.Find(line, "context")
	device, page := parse.Find(context, "device"), parse.Find(context, "page")
	take(&t.DeviceType, parse.Find(device, "type"))
	take(&t.PageURL, parse.Find(page, "url"))
	if err := t.specProperties(parse.Find(line, "properties"), "session_id", nil); err != nil {
		return err
	}
	var at, original, anonymous string
	for c := parse.Inside(line); ; {
		member, value, ok := c.Member()
		if !ok {
			break
		}
		switch member {
		case "messageId":
			t.ID, err = parse.ScalarOf(value, member)
		case "userId":
			t.UserID, err = parse.ScalarOf(value, member)
		case "anonymousId":
			anonymous, err = parse.ScalarOf(value, member)
		case "timestamp":
			at, err = parse.ScalarOf(value, member)
		case "originalTimestamp":
			original, err = parse.ScalarOf(value, member)
		case "type", "event", "properties":
		case "context":
			t.rest.Add(member, without(value, "traits", "ip", "sessionId", "sessionStart"))
		case "integrations", "_metadata", "sentAt", "receivedAt", "request_ip", "writeKey", "traits", "version":
			// They say nothing of the event, change from one delivery to the next,
			// or are about a person.
		default:
			t.rest.Add(member, value)
		}
		if err != nil {
			return err
		}
	}
	if t.SessionID == "" {
		take(&t.SessionID, parse.Find(context, "sessionId"))
	}
	if t.SessionID != "" {
		t.rest.Add("anonymousId", parse.Find(line, "anonymousId"))
	}
	t.SessionID = sessionOf(anonymous, t.SessionID)
	if at == "" {
		at = original
	}
	t.Timestamp, err = parse.Time(at, "timestamp")
	return err
}

// sessionOf is the session's id. A number is one of the visitor's sessions, and
// others have the same; without a session the visitor is one.
func sessionOf(visitor, session string) string {
	switch {
	case session == "":
		return visitor
	case visitor != "" && session[0] >= '0' && session[0] <= '9' && len(session) <= len("1659304800025"):
		return visitor + "." + session
	}
	return session
}

// specProperties takes the properties of an event as in Segment's
// specification. session is the name of the one that holds the session's id.
// own, if not nil, takes what a tool has beyond that, and says whether it did.
func (t *tracked) specProperties(object []byte, session string, own func(name string, value []byte) bool) error {
	const field = "properties."
	if len(object) > 0 && object[0] != '{' && object[0] != 'n' {
		return parse.Rejected(event.ReasonBadType, "properties", "an object is expected")
	}
	several, err := t.isAbout(parse.Find(object, "products"), field+"products")
	if err != nil {
		return err
	}
	id := specNames.idOf(object)
	for c := parse.Inside(object); ; {
		name, value, ok := c.Member()
		if !ok {
			return nil
		}
		taken := false
		switch {
		case own != nil && own(name, value):
			taken = true
		case !several && id != "":
			if taken, err = specNames.take(id, name, value, &t.Event); err != nil {
				return within(field, err)
			}
		}
		switch {
		case taken, several && name == "products":
			continue
		case name == "order_id":
			taken = take(&t.OrderID, value)
		case name == "currency":
			taken = take(&t.Currency, value)
		case name == "url":
			taken = take(&t.PageURL, value)
		case name == session:
			taken = take(&t.SessionID, value)
		}
		if !taken {
			t.rest.Add(name, value)
		}
	}
}

// without is the object with some members left out.
func without(object []byte, names ...string) []byte {
	left := make([]byte, 0, len(object))
	for c := parse.Inside(object); ; {
		name, value, ok := c.Member()
		if !ok {
			break
		}
		if object[0] == '{' && !slices.Contains(names, name) {
			left = append(left, ',')
			left = append(parse.AppendJSON(left, []byte(name)), ':')
			left = append(left, value...)
		}
	}
	if len(left) == 0 {
		return nil
	}
	left[0] = '{'
	return append(left, '}')
}
