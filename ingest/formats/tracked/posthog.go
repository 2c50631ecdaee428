package tracked

import (
	"encoding/json"
	"strings"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// PostHog is the JSON lines of PostHog's exports.
var PostHog = input.Format{
	Name:    "posthog",
	Expects: `JSON lines of PostHog's export, with event, distinct_id, properties, timestamp and uuid`,
	Matches: func(head [][]byte) bool {
		return parse.AnyObject(head, func(line []byte) bool { return parse.Has(line, "event", "distinct_id", "timestamp") })
	},
	Open: posthogTool.open,
}

var posthogTool = &tool{read: readPosthog, products: "properties.products", one: "properties.product_id", product: specNames}

func readPosthog(line []byte, t *tracked) (err error) {
	name, err := parse.ScalarOf(parse.Find(line, "event"), "event")
	if err != nil {
		return err
	}
	if name == "" {
		return parse.Rejected(event.ReasonMissingField, "event", "an event has a name")
	}
	t.is(name)
	object := parse.Find(line, "properties")
	if len(object) > 0 && object[0] == '"' { // as exported from a column of text
		inner, _ := parse.Scalar(object)
		if !json.Valid([]byte(inner)) {
			return parse.Rejected(event.ReasonBadType, "properties", "an object is expected, or its text")
		}
		object = []byte(strings.TrimSpace(inner))
	}
	var device string
	if err := t.specProperties(object, "$session_id", func(name string, value []byte) bool {
		switch name {
		case "$current_url":
			return take(&t.PageURL, value)
		case "$device_type":
			return take(&t.DeviceType, value)
		case "$device_id":
			take(&device, value)
			return false
		case "token", "distinct_id", "$ip", "$active_feature_flags":
			return true
		}
		return strings.HasPrefix(name, "$set") || strings.HasPrefix(name, "$feature") || strings.HasPrefix(name, "$sdk_debug")
	}); err != nil {
		return err
	}
	var at, visitor string
	for c := parse.Inside(line); ; {
		member, value, ok := c.Member()
		if !ok {
			break
		}
		switch member {
		case "uuid":
			t.ID, err = parse.ScalarOf(value, member)
		case "distinct_id":
			visitor, err = parse.ScalarOf(value, member)
		case "timestamp":
			at, err = parse.ScalarOf(value, member)
		case "event", "properties":
		case "person", "person_id", "person_properties", "set", "set_once", "ip", "elements", "elements_chain",
			"created_at", "inserted_at", "_inserted_at", "bq_ingested_timestamp":
			// They are about a person, change from one export to the next, or are
			// a page's elements.
		default:
			t.rest.Add(member, value)
		}
		if err != nil {
			return err
		}
	}
	// The id of a visitor who is not known is the device's.
	switch {
	case visitor != device:
		t.UserID = visitor
	case t.SessionID == "":
		t.SessionID = visitor
	}
	t.Timestamp, err = parse.Time(at, "timestamp")
	return err
}
