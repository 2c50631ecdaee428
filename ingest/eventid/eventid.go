// Package eventid makes ids for events that came without one. Whoever reads
// the same thing again makes the same id, so its event is recognised as a copy
// by its identity (E3, I4).
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
//	record 1   "rec1-" topic "-" partition "-" offset, both in decimal; the
//	           topic without the pipeline's prefix
//
// An event's fields, for rows of JSON and for requests, are event_type,
// timestamp (RFC 3339, UTC, three decimals), user_id, session_id, product_id,
// product_category, brand, currency, device_type, page_url, order_id, price
// (decimal, no trailing zeros), quantity (where it is not 1) and properties
// (its text), in this order. The id and the source are not among them.
package eventid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"clickstream/internal/event"
)

// Size is the length of a made id of a row or a request.
const Size = 5 + 32

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

// Rows gives ids to the rows of one file. It remembers 64 bits of each row's
// digest, to number equal rows: 8 to 22 bytes a row, 40 MB for two million.
// Two unequal rows that share those bits are numbered as if they were equal,
// which does no harm: their digests still differ, and reading the file again
// gives the same numbers.
type Rows struct {
	seen    digests
	repeats map[uint64]uint64 // how often a digest came again
}

// AppendID appends the id of the file's next row, whose content is c.
func (r *Rows) AppendID(dst []byte, c *Content) []byte {
	sum := sha256.Sum256(c.buf)
	short := binary.BigEndian.Uint64(sum[16:])
	if !r.seen.add(short) {
		if r.repeats == nil {
			r.repeats = make(map[uint64]uint64)
		}
		r.repeats[short]++
		again := binary.BigEndian.AppendUint64(sum[:], r.repeats[short])
		sum = sha256.Sum256(again)
	}
	return hex.AppendEncode(append(dst, "row1-"...), sum[:16])
}

// digests is a set of digests, open addressing with linear probing. They are
// as good as random, so they are their own hashes.
type digests struct {
	slots   []uint64 // 0: free
	used    int
	hasZero bool
}

// add says whether d is new.
func (s *digests) add(d uint64) bool {
	if d == 0 {
		was := s.hasZero
		s.hasZero = true
		return !was
	}
	if s.used >= len(s.slots)/4*3 {
		s.grow()
	}
	i, isNew := s.find(d)
	if isNew {
		s.slots[i] = d
		s.used++
	}
	return isNew
}

func (s *digests) find(d uint64) (slot uint64, free bool) {
	mask := uint64(len(s.slots) - 1)
	for i := d & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case d:
			return i, false
		case 0:
			return i, true
		}
	}
}

func (s *digests) grow() {
	old := s.slots
	s.slots = make([]uint64, max(1024, 2*len(old)))
	for _, d := range old {
		if d != 0 {
			i, _ := s.find(d)
			s.slots[i] = d
		}
	}
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

// OfRecord is the id of the event in a record of the inbound topic.
func OfRecord(topic string, partition int32, offset int64) string {
	return "rec1-" + topic + "-" + strconv.Itoa(int(partition)) + "-" + strconv.FormatInt(offset, 10)
}
