package tracked

import (
	"encoding/json"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// GA4 is the JSON lines that BigQuery writes of an export of Google Analytics
// 4, with its whole numbers as strings.
var GA4 = input.Format{
	Name:    "ga4",
	Expects: `JSON lines of Google Analytics 4's BigQuery export, with event_name, event_timestamp, event_params, user_pseudo_id and items`,
	Matches: func(head [][]byte) bool {
		return parse.AnyObject(head, func(line []byte) bool { return parse.Has(line, "event_name", "event_timestamp") })
	},
	Open: ga4Tool.open,
}

var ga4Tool = &tool{read: readGA4, products: "items", one: "items", product: productNames{
	id: "item_id", otherID: "item_name", category: "item_category", brand: "item_brand", price: "price", quantity: "quantity",
}}

func readGA4(line []byte, t *tracked) (err error) {
	name, err := parse.ScalarOf(parse.Find(line, "event_name"), "event_name")
	if err != nil {
		return err
	}
	if name == "" {
		return parse.Rejected(event.ReasonMissingField, "event_name", "an event has a name")
	}
	t.is(name)
	var at, visitor, bundle, index string
	for c := parse.Inside(line); ; {
		member, value, ok := c.Member()
		if !ok {
			break
		}
		switch member {
		case "event_name", "event_params", "event_date":
		case "event_timestamp":
			at, err = parse.ScalarOf(value, member)
		case "user_id":
			t.UserID, err = parse.ScalarOf(value, member)
		case "user_pseudo_id":
			visitor, err = parse.ScalarOf(value, member)
		case "event_bundle_sequence_id":
			bundle, err = parse.ScalarOf(value, member)
		case "batch_event_index":
			index, err = parse.ScalarOf(value, member)
		case "items":
			var several bool
			if several, err = t.isAbout(value, member); !several {
				t.rest.Add(member, value)
			}
		case "device":
			take(&t.DeviceType, parse.Find(value, "category"))
			t.rest.Add(member, value)
		case "ecommerce":
			take(&t.OrderID, parse.Find(value, "transaction_id"))
			t.rest.Add(member, value)
		case "user_properties":
			// They are about a person.
		default:
			t.rest.Add(member, value)
		}
		if err != nil {
			return err
		}
	}
	t.ga4Params(parse.Find(line, "event_params"))
	if t.SessionID != "" {
		t.rest.Add("user_pseudo_id", parse.Find(line, "user_pseudo_id"))
	}
	t.SessionID = sessionOf(visitor, t.SessionID)
	if visitor != "" && bundle != "" && index != "" {
		t.ga4 = [3]string{visitor, bundle, index}
	}
	t.Timestamp, err = parse.Unix(at, "event_timestamp", 1_000_000)
	return err
}

// ga4Params takes an event's parameters, each of which is a key and a value of
// one of several types.
func (t *tracked) ga4Params(params []byte) {
	for c := parse.Inside(params); ; {
		param, ok := c.Element()
		if !ok {
			return
		}
		key, _ := parse.Scalar(parse.Find(param, "key"))
		value := ga4Value(parse.Find(param, "value"))
		taken := false
		switch key {
		case "ga_session_id":
			taken = take(&t.SessionID, value)
		case "page_location":
			taken = take(&t.PageURL, value)
		case "currency":
			taken = take(&t.Currency, value)
		case "transaction_id":
			if t.OrderID == "" {
				take(&t.OrderID, value)
			}
			taken = true
		}
		if !taken {
			t.rest.Add(key, value)
		}
	}
}

// ga4Value is the one of a parameter's values that is given, a number without
// its quotes.
func ga4Value(object []byte) []byte {
	for c := parse.Inside(object); ; {
		name, value, ok := c.Member()
		if !ok {
			return nil
		}
		s, isScalar := parse.Scalar(value)
		switch {
		case !isScalar || s == "":
		case name == "string_value" || !json.Valid([]byte(s)):
			return value
		default:
			return []byte(s)
		}
	}
}
