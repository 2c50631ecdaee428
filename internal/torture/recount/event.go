package recount

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// Event is a row of the view events, with the names of its columns.
type Event struct {
	ID         string `json:"event_id"`
	Type       string `json:"event_type"`
	Timestamp  int64  `json:"timestamp"` // ms
	User       string `json:"user_id"`
	Session    string `json:"session_id"`
	Product    string `json:"product_id"`
	Category   string `json:"product_category"`
	Brand      string `json:"brand"`
	Currency   string `json:"currency"`
	Device     string `json:"device_type"`
	URL        string `json:"page_url"`
	Order      string `json:"order_id"`
	Source     string `json:"source"`
	Price      string `json:"price"` // without trailing zeros; empty where there is none
	Quantity   int64  `json:"quantity"`
	Properties string `json:"properties"`
	Key        string `json:"kafka_key"`
	Partition  int32  `json:"kafka_partition"`
	Offset     int64  `json:"kafka_offset"`
	Received   int64  `json:"received_at"` // ms
}

// identity is what two copies of an event have in common.
type identity struct {
	key, kind, id string
	timestamp     int64
}

func (e Event) identity() identity { return identity{e.Key, e.Type, e.ID, e.Timestamp} }

// sameFields says whether a later copy is equal to e in what the client sent.
func (e Event) sameFields(later Event) bool {
	later.Offset, later.Received = e.Offset, e.Received
	return e == later
}

// known are the names of the fields of an event. All others are properties.
var known = map[string]bool{
	"event_id": true, "event_type": true, "timestamp": true, "user_id": true, "session_id": true, "product_id": true,
	"product_category": true, "brand": true, "currency": true, "device_type": true, "page_url": true, "order_id": true,
	"source": true, "price": true, "quantity": true, "properties": true,
}

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	ofProduct = map[string]bool{"view": true, "add_to_cart": true, "remove_from_cart": true, "purchase": true, "refund": true, "wishlist": true}
)

// read returns the event of a record, or the reason why the record is invalid.
func read(r Record) (Event, string) {
	e := Event{Quantity: 1, Key: string(r.Key), Partition: r.Partition, Offset: r.Offset, Received: r.Received}
	if !utf8.Valid(r.Value) {
		return e, "bad_encoding"
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.Value, &fields) != nil {
		return e, "bad_json"
	}
	if len(fields["timestamp"]) == 0 {
		return e, "missing_field"
	}
	for _, f := range []struct {
		name string
		into *string
	}{
		{"event_id", &e.ID}, {"event_type", &e.Type}, {"user_id", &e.User}, {"session_id", &e.Session},
		{"product_id", &e.Product}, {"product_category", &e.Category}, {"brand", &e.Brand}, {"currency", &e.Currency},
		{"device_type", &e.Device}, {"page_url", &e.URL}, {"order_id", &e.Order}, {"source", &e.Source},
	} {
		if text, sent := fields[f.name]; sent && json.Unmarshal(text, f.into) != nil {
			return e, "bad_type"
		}
	}
	if reason := e.readNumbers(fields); reason != "" {
		return e, reason
	}
	e.Properties = properties(fields)
	return e, e.check(r)
}

func (e *Event) readNumbers(fields map[string]json.RawMessage) (reason string) {
	var at string
	if json.Unmarshal(fields["timestamp"], &at) != nil {
		return "bad_type"
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return "bad_time"
	}
	e.Timestamp = t.UnixMilli()
	if text, sent := fields["price"]; sent {
		var price float64
		if json.Unmarshal(text, &price) != nil {
			return "bad_type"
		}
		if price < 0 {
			return "bad_price"
		}
		e.Price = strconv.FormatFloat(math.Round(price*1e4)/1e4, 'f', -1, 64)
	}
	if text, sent := fields["quantity"]; sent {
		if json.Unmarshal(text, &e.Quantity) != nil || e.Quantity < 1 {
			return "bad_quantity"
		}
	}
	return ""
}

// properties are what was sent as such, and the fields that are not known. The
// load sends one of those at most, so they have no order.
func properties(fields map[string]json.RawMessage) string {
	text := bytes.TrimSuffix(fields["properties"], []byte("}"))
	for name, value := range fields {
		if known[name] {
			continue
		}
		if len(text) == 0 {
			text = append(text, '{')
		} else {
			text = append(bytes.Clone(text), ',')
		}
		text = append(text, strconv.Quote(name)+":"+string(value)...)
	}
	if len(text) == 0 {
		return ""
	}
	return string(text) + "}"
}

// check returns the rule that the event breaks.
func (e *Event) check(r Record) (reason string) {
	want := e.Product
	if want == "" {
		want = e.Session
	}
	if want == "" {
		want = e.User
	}
	switch {
	case e.ID == "" || e.Type == "":
		return "missing_field"
	case !snakeCase.MatchString(e.Type):
		return "bad_event_type"
	case e.Timestamp < time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli():
		return "too_old"
	case e.Timestamp > r.Received+24*time.Hour.Milliseconds():
		return "too_far_ahead"
	case e.User == "" && e.Session == "", e.Product == "" && ofProduct[e.Type]:
		return "missing_field"
	case e.Key != want, r.Partition != r.Hashed:
		return "wrong_key"
	}
	return ""
}
