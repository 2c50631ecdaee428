package event

import (
	"fmt"
	"time"
)

// Limits of an event's fields, in bytes of UTF-8.
const (
	maxID   = 128
	maxType = 64
	maxText = 256 // category, brand, currency, device, order, source
	maxURL  = 8 << 10
	// MaxProperties bounds an event's properties.
	MaxProperties = 32 << 10
	// MaxValue bounds a whole record's value.
	MaxValue = 64 << 10
)

// Bounds of an event's time.
const (
	earliest = Millis(946684800000) // 2000-01-01T00:00:00Z
	maxAhead = Millis(24 * time.Hour / time.Millisecond)
	// FutureAfter is how far ahead of its receive time an event may be and
	// still count for alerts. One further ahead is stored, and counted as future.
	FutureAfter = Millis(5 * time.Minute / time.Millisecond)
)

// Reason is a short code for why a record was rejected.
type Reason string

const (
	ReasonBadEncoding    Reason = "bad_encoding"    // not UTF-8
	ReasonBadJSON        Reason = "bad_json"        // not one JSON object
	ReasonBadRow         Reason = "bad_row"         // a file's row does not have the columns of its format
	ReasonBadType        Reason = "bad_type"        // a field holds another kind of JSON value
	ReasonDuplicateField Reason = "duplicate_field" // an object has a field twice
	ReasonMissingField   Reason = "missing_field"
	ReasonTooLong        Reason = "too_long"
	ReasonBadEventType   Reason = "bad_event_type" // not snake_case
	ReasonBadTime        Reason = "bad_time"
	ReasonTooOld         Reason = "too_old"       // before the year 2000 or, over HTTP, older than the collector takes
	ReasonTooFarAhead    Reason = "too_far_ahead" // more than 24 hours ahead of its receive time
	ReasonBadPrice       Reason = "bad_price"
	ReasonBadQuantity    Reason = "bad_quantity"
	ReasonRefused        Reason = "refused"   // the broker does not take the record
	ReasonWrongKey       Reason = "wrong_key" // a record's key or partition is not its event's
)

// Rejection says which rule a record breaks. It is the only kind of error that
// decoding and validating return.
type Rejection struct {
	Reason  Reason
	Field   string // the field's name, or empty where the whole record is at fault
	Message string // a sentence for people
}

func (r *Rejection) Error() string {
	if r.Field == "" {
		return fmt.Sprintf("%s: %s", r.Reason, r.Message)
	}
	return fmt.Sprintf("%s in %s: %s", r.Reason, r.Field, r.Message)
}

func reject(reason Reason, field, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NeedsProduct lists the types that make no sense without a product.
func NeedsProduct(eventType string) bool {
	switch eventType {
	case TypeView, TypeAddToCart, TypeRemoveFromCart, TypePurchase, TypeRefund, TypeWishlist:
		return true
	}
	return false
}

// Validate checks an event against the rules, given the time it was received
// (on the log: the record's timestamp). It returns the first rule broken.
func (e *Event) Validate(received Millis) error {
	if r := e.validate(received); r != nil {
		return r
	}
	return nil
}

func (e *Event) validate(received Millis) *Rejection {
	switch {
	case e.ID == "":
		return reject(ReasonMissingField, "event_id", "an event on the log needs an id")
	case e.Type == "":
		return reject(ReasonMissingField, "event_type", "an event needs a type, such as view or purchase")
	case len(e.Type) > maxType:
		return reject(ReasonTooLong, "event_type", "%d bytes; at most %d", len(e.Type), maxType)
	case !snakeCase(e.Type):
		return reject(ReasonBadEventType, "event_type", "%q is not snake_case", e.Type)
	case e.Timestamp < earliest:
		return reject(ReasonTooOld, "timestamp", "%s is before the year 2000", e.Timestamp.Time().Format(time.RFC3339))
	case e.Timestamp > received+maxAhead:
		return reject(ReasonTooFarAhead, "timestamp", "%s is more than 24 hours after the event was received, %s",
			e.Timestamp.Time().Format(time.RFC3339), received.Time().Format(time.RFC3339))
	case e.UserID == "" && e.SessionID == "":
		return reject(ReasonMissingField, "user_id", "an event needs a user_id or a session_id")
	case e.ProductID == "" && NeedsProduct(e.Type):
		return reject(ReasonMissingField, "product_id", "an event of type %s needs a product", e.Type)
	case e.HasPrice && (e.Price < 0 || e.Price > maxPrice):
		return reject(ReasonBadPrice, "price", "a price is at least 0 and at most %d", maxPrice/PriceScale)
	case e.Quantity < 1:
		return reject(ReasonBadQuantity, "quantity", "a quantity is at least 1")
	case len(e.PageURL) > maxURL:
		return reject(ReasonTooLong, "page_url", "%d bytes; at most %d", len(e.PageURL), maxURL)
	case len(e.Properties) > MaxProperties:
		return reject(ReasonTooLong, "properties", "%d bytes, with the unknown fields in it; at most %d", len(e.Properties), MaxProperties)
	}
	if max(len(e.ID), len(e.UserID), len(e.SessionID), len(e.ProductID), len(e.ProductCategory), len(e.Brand),
		len(e.Currency), len(e.DeviceType), len(e.OrderID), len(e.Source)) <= min(maxID, maxText) {
		return nil
	}
	for _, f := range [...]struct {
		name, value string
		max         int
	}{
		{"event_id", e.ID, maxID}, {"user_id", e.UserID, maxID},
		{"session_id", e.SessionID, maxID}, {"product_id", e.ProductID, maxID},
		{"product_category", e.ProductCategory, maxText}, {"brand", e.Brand, maxText},
		{"currency", e.Currency, maxText}, {"device_type", e.DeviceType, maxText},
		{"order_id", e.OrderID, maxText}, {"source", e.Source, maxText},
	} {
		if len(f.value) > f.max {
			return reject(ReasonTooLong, f.name, "%d bytes; at most %d", len(f.value), f.max)
		}
	}
	return nil
}

// IsFuture says whether the event is too far ahead of its receive time to
// count for alerts (W3).
func (e *Event) IsFuture(received Millis) bool { return e.Timestamp > received+FutureAfter }

// ValidName says whether s is a name in snake_case, as those of event types and
// rules are: lower-case letters, digits and underscores, beginning with a letter.
func ValidName(s string) bool { return s != "" && snakeCase(s) }

func snakeCase(s string) bool {
	if s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Record is what a reader of the log knows of one record with a value.
type Record struct {
	Key, Value []byte
	Partition  int32
	Received   Millis // the record's timestamp
}

// ReadRecord is the one validity function of the log (E2): it decodes r's value
// into e and checks it, its key and its partition, out of partitions. The
// error, if any, is a *Rejection. e's strings alias r.Value.
func (d *Decoder) ReadRecord(r Record, partitions int32, e *Event) error {
	if err := d.Decode(r.Value, e); err != nil {
		return err
	}
	if rej := e.validate(r.Received); rej != nil {
		return rej
	}
	key := e.Key()
	if string(r.Key) != key {
		return reject(ReasonWrongKey, "", "the record's key is %q, its event's is %q", clip(r.Key), key)
	}
	if p := Partition(key, partitions); p != r.Partition {
		return reject(ReasonWrongKey, "", "key %q belongs in partition %d of %d, not in %d", key, p, partitions, r.Partition)
	}
	return nil
}

// clip keeps a message short whatever bytes a client sent.
func clip(b []byte) []byte {
	if len(b) > maxID {
		return b[:maxID]
	}
	return b
}
