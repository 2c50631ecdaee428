// Package eventid makes ids for events that came without one. Reading the same
// thing again makes the same id, so the event is recognised as a duplicate by
// its identity (E3, I4).
//
// The recipes below never change: another one would take every old file for
// new. A better one gets the next number, beside these.
//
// Common to all: a field is written as the length of its name (unsigned
// varint), its name, the length of its value (unsigned varint) and its value;
// empty fields are left out. hex16(D) is the first 16 bytes of the 32 of D, in
// lower case hexadecimal.
//
//	row 1      C = "clickstream/row/1", 0x00, fields in the order given
//	           D = SHA-256(C)
//	           the first row of a file with D:  "row1-" hex16(D)
//	           the nth after it (n = 1, 2, …):  "row1-" hex16(SHA-256(D, n as 8 bytes, big endian))
//	request 1  C = "clickstream/request/1", 0x00, field "write_key",
//	               field "index" (decimal), the event's fields
//	           "req1-" hex16(SHA-256(C))
//	ga4 1      C = "clickstream/ga4/1", 0x00, fields "user_pseudo_id",
//	               "event_bundle_sequence_id", "batch_event_index" and, of one
//	               of the event's items, "item", its number from 0 (decimal)
//	           "ga41-" hex16(SHA-256(C))
//	record 1   "rec1-" topic "-" partition "-" offset, both in decimal; the
//	           topic without the pipeline's prefix
//
// An event's fields, for rows of JSON and for requests, are event_type,
// timestamp (RFC 3339, UTC, three decimals), user_id, session_id, product_id,
// product_category, brand, currency, device_type, page_url, order_id, price
// (decimal, no trailing zeros), quantity (where it is not 1) and properties
// (its text), in this order. The id and the source are not among them.
//
// A row that is read by a mapping has all its columns as fields, mapped or not,
// in the file's order and as read, in UTF-8: of values with a separator, the
// names of the header without spaces around them, #3 for the third column where
// it has no name or an earlier one's, and the texts without their quotes; of
// JSON lines, the members' names and the text of their values as JSON. So
// another mapping of the same file changes no id.
//
// A line of Segment's, PostHog's or GA4's export that has no id has the fields
// "line", SHA-256 of its text in hexadecimal, and, of one of the event's
// products, "position", its number from 0 (decimal).
package eventid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"clickstream/internal/event"
)

// Content gathers the fields that an id is made from. It is reused from one
// event to the next.
type Content struct{ buf []byte }

// Row begins the content of a file's row.
func (c *Content) Row() { c.buf = append(c.buf[:0], "clickstream/row/1\x00"...) }

// Field adds a field; an empty one is left out.
func (c *Content) Field(name, value string) {
	if value == "" {
		return
	}
	c.buf = binary.AppendUvarint(c.buf, uint64(len(name)))
	c.buf = append(c.buf, name...)
	c.buf = binary.AppendUvarint(c.buf, uint64(len(value)))
	c.buf = append(c.buf, value...)
}

// Event adds an event's fields, its id and source left out.
func (c *Content) Event(e *event.Event) {
	c.Field("event_type", e.Type)
	var scratch [32]byte
	c.Field("timestamp", string(e.Timestamp.AppendRFC3339(scratch[:0])))
	c.Field("user_id", e.UserID)
	c.Field("session_id", e.SessionID)
	c.Field("product_id", e.ProductID)
	c.Field("product_category", e.ProductCategory)
	c.Field("brand", e.Brand)
	c.Field("currency", e.Currency)
	c.Field("device_type", e.DeviceType)
	c.Field("page_url", e.PageURL)
	c.Field("order_id", e.OrderID)
	if e.HasPrice {
		c.Field("price", string(event.AppendPrice(scratch[:0], e.Price)))
	}
	if e.Quantity != 1 {
		c.Field("quantity", strconv.Itoa(int(e.Quantity)))
	}
	c.Field("properties", e.Properties)
}

// OfRequest is the id of the event at index in a request under a write key.
func OfRequest(writeKey string, index int, e *event.Event) string {
	c := Content{buf: append(make([]byte, 0, 512), "clickstream/request/1\x00"...)}
	c.Field("write_key", writeKey)
	c.Field("index", strconv.Itoa(index))
	c.Event(e)
	sum := sha256.Sum256(c.buf)
	return "req1-" + hex.EncodeToString(sum[:16])
}

// OfGA4 is the id of an event of Google Analytics 4 by what numbers it there. A
// negative item is none.
func OfGA4(user, bundle, index string, item int) string {
	c := Content{buf: append(make([]byte, 0, 128), "clickstream/ga4/1\x00"...)}
	c.Field("user_pseudo_id", user)
	c.Field("event_bundle_sequence_id", bundle)
	c.Field("batch_event_index", index)
	if item >= 0 {
		c.Field("item", strconv.Itoa(item))
	}
	sum := sha256.Sum256(c.buf)
	return "ga41-" + hex.EncodeToString(sum[:16])
}

// OfRecord is the id of the event in a record of the inbound topic.
func OfRecord(topic string, partition int32, offset int64) string {
	return "rec1-" + topic + "-" + strconv.Itoa(int(partition)) + "-" + strconv.FormatInt(offset, 10)
}
