package event

import "time"

// Event types with a meaning to the reports or the alert rules. Any other
// snake_case type is stored as it comes.
const (
	TypeView           = "view"
	TypeAddToCart      = "add_to_cart"
	TypeRemoveFromCart = "remove_from_cart"
	TypePurchase       = "purchase"
	TypeRefund         = "refund"
	TypeWishlist       = "wishlist"
	TypeCheckout       = "checkout"
	TypeSearch         = "search"
	TypePage           = "page"
)

// Millis is a point in time in milliseconds since the Unix epoch, UTC, or a
// length of time in milliseconds.
type Millis int64

// MillisOf cuts t to the millisecond.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time is the same point in time, in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Duration is the same length of time.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// PriceScale is the number of price units in one unit of the currency: prices
// are kept to four decimal places.
const PriceScale = 10_000

// Event is one thing that a visitor did. Strings that are empty are absent.
type Event struct {
	ID        string
	Type      string
	Timestamp Millis // when it happened, by the client's clock
	UserID    string
	SessionID string

	ProductID       string
	ProductCategory string
	Brand           string
	Currency        string
	DeviceType      string
	PageURL         string
	OrderID         string
	Source          string // the shop, write key or importer it came from

	Price    int64 // of one piece, in 1/PriceScale; means something only with HasPrice
	HasPrice bool
	Quantity int32 // pieces; an event without one is read as 1

	// Properties is everything else the client sent, as the text of one JSON
	// object, or empty.
	Properties string
}

// Key is the event's key on the log: its product, or its session or user where
// it has none. Events with one key are in one partition, in order.
func (e *Event) Key() string {
	switch {
	case e.ProductID != "":
		return e.ProductID
	case e.SessionID != "":
		return e.SessionID
	default:
		return e.UserID
	}
}

// Partition is the number of the partition, out of partitions, that holds the
// events with this key: Kafka's default partitioner for records with a key
// (murmur2, as in org.apache.kafka.common.utils.Utils).
func Partition(key string, partitions int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % partitions
}

func murmur2(s string) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(s))
	for len(s) >= 4 {
		k := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h = h*m ^ k
		s = s[4:]
	}
	switch len(s) {
	case 3:
		h ^= uint32(s[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(s[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(s[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
