package formats

import (
	"encoding/json"

	"clickstream/internal/event"
)

// ga4 is the JSON lines that BigQuery writes of an export of Google Analytics
// 4, with its whole numbers as strings.
var ga4 = format{
	name:    "ga4",
	expects: `JSON lines of Google Analytics 4's BigQuery export, with event_name, event_timestamp, event_params, user_pseudo_id and items`,
	matches: func(head [][]byte) bool {
		return anyObject(head, func(line []byte) bool { return has(line, "event_name", "event_timestamp") })
	},
	open: ga4Tool.open,
}

var ga4Tool = &tool{read: readGA4, products: "items", one: "items", product: productNames{
	id: "item_id", otherID: "item_name", category: "item_category", brand: "item_brand", price: "price", quantity: "quantity",
}}

func readGA4(line []byte, t *tracked) (err error) {
	name, err := scalarOf(find(line, "event_name"), "event_name")
	if err != nil {
		return err
	}
	if name == "" {
		return rejected(event.ReasonMissingField, "event_name", "an event has a name")
	}
	t.is(name)
	var at, visitor, bundle, index string
	for c := inside(line); ; {
		member, value, ok := c.member()
		if !ok {
			break
		}
		switch member {
		case "event_name", "event_params", "event_date":
		case "event_timestamp":
			at, err = scalarOf(value, member)
		case "user_id":
			t.UserID, err = scalarOf(value, member)
		case "user_pseudo_id":
			visitor, err = scalarOf(value, member)
		case "event_bundle_sequence_id":
			bundle, err = scalarOf(value, member)
		case "batch_event_index":
			index, err = scalarOf(value, member)
		case "items":
			var several bool
			if several, err = t.isAbout(value, member); !several {
				t.rest.add(member, value)
			}
		case "device":
			take(&t.DeviceType, find(value, "category"))
			t.rest.add(member, value)
		case "ecommerce":
			take(&t.OrderID, find(value, "transaction_id"))
			t.rest.add(member, value)
		case "user_properties":
			// They are about a person.
		default:
			t.rest.add(member, value)
		}
		if err != nil {
			return err
		}
	}
	t.ga4Params(find(line, "event_params"))
	if t.SessionID != "" {
		t.rest.add("user_pseudo_id", find(line, "user_pseudo_id"))
	}
	t.SessionID = sessionOf(visitor, t.SessionID)
	if visitor != "" && bundle != "" && index != "" {
		t.ga4 = [3]string{visitor, bundle, index}
	}
	t.Timestamp, err = readUnix(at, "event_timestamp", 1_000_000)
	return err
}

// ga4Params takes an event's parameters, each of which is a key and a value of
// one of several types.
func (t *tracked) ga4Params(params []byte) {
	for c := inside(params); ; {
		param, ok := c.element()
		if !ok {
			return
		}
		key, _ := scalar(find(param, "key"))
		value := ga4Value(find(param, "value"))
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
			t.rest.add(key, value)
		}
	}
}

// ga4Value is the one of a parameter's values that is given, a number without
// its quotes.
func ga4Value(object []byte) []byte {
	for c := inside(object); ; {
		name, value, ok := c.member()
		if !ok {
			return nil
		}
		s, isScalar := scalar(value)
		switch {
		case !isScalar || s == "":
		case name == "string_value" || !json.Valid([]byte(s)):
			return value
		default:
			return []byte(s)
		}
	}
}
