package parse

import (
	"math"
	"strconv"

	"clickstream/internal/event"
)

// Price reads e's price from s. An empty text is an absent field.
func Price(e *event.Event, s, field string) error {
	if s == "" {
		return nil
	}
	price, ok := event.ParsePrice(s)
	if !ok {
		return Rejected(event.ReasonBadPrice, field, "%q is not a price of 0 or more", Clip([]byte(s), 128))
	}
	e.Price, e.HasPrice = price, true
	return nil
}

// Quantity reads e's quantity from s. An empty text is an absent field.
func Quantity(e *event.Event, s, field string) error {
	if s == "" {
		return nil
	}
	// Some write 2.0.
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 1 || n > math.MaxInt32 || n != math.Trunc(n) {
		return Rejected(event.ReasonBadQuantity, field, "%q is not a whole number of 1 or more", Clip([]byte(s), 128))
	}
	e.Quantity = int32(n)
	return nil
}

// Unix reads a Unix time in units of which a second has so many.
func Unix(s, field string, perSecond int64) (event.Millis, error) {
	if s == "" {
		return 0, Rejected(event.ReasonMissingField, field, "an event needs the time when it happened")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > 1<<40*perSecond || n < -1<<40*perSecond {
		return 0, Rejected(event.ReasonBadTime, field, "%q is not a Unix time in 1/%d s", Clip([]byte(s), 128), perSecond)
	}
	if perSecond < 1000 {
		return event.Millis(n * (1000 / perSecond)), nil
	}
	return event.Millis(n / (perSecond / 1000)), nil
}

// Time reads a time in RFC 3339.
func Time(s, field string) (event.Millis, error) {
	if s == "" {
		return 0, Rejected(event.ReasonMissingField, field, "an event needs the time when it happened")
	}
	at, ok := event.ParseTime(s, true)
	if !ok {
		return 0, Rejected(event.ReasonBadTime, field, "%q is not a time as in 2026-11-22T10:04:05.123Z", Clip([]byte(s), 128))
	}
	return at, nil
}
