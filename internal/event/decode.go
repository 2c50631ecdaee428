package event

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Decoder reads events from their JSON text without reflection and, for text
// without escapes and unknown fields, without allocating. It is fastest with text
// that AppendJSON has written. The zero Decoder is ready; one is for one goroutine
// at a time.
type Decoder struct {
	// Lenient is for ingest, not for the log: it also takes times without a
	// zone, times as Unix seconds or milliseconds, numbers where an id is
	// expected and quoted numbers where a number is.
	Lenient bool

	in  string // the text being read
	pos int

	folded []byte // unknown fields met so far, each as `,"name":value`
	day    day
}

// Decode reads one event into e. Fields may come in any order, unknown ones are
// folded into Properties, a null is an absent field. It checks the whole text,
// but not the event's rules: that is Validate. e's strings alias value, which
// must not change while e is in use. The error, if any, is a *Rejection.
func (d *Decoder) Decode(value []byte, e *Event) error {
	if rej := d.decode(value, e); rej != nil {
		return rej
	}
	return nil
}

// Field numbers: bits that say which fields have been seen.
const (
	fID = iota
	fType
	fTimestamp
	fUser
	fSession
	fProduct
	fCategory
	fBrand
	fCurrency
	fDevice
	fURL
	fOrder
	fSource
	fPrice
	fQuantity
	fProperties
	fUnknown
)

func fieldOf(name string) int {
	switch name {
	case "event_id":
		return fID
	case "event_type":
		return fType
	case "timestamp":
		return fTimestamp
	case "user_id":
		return fUser
	case "session_id":
		return fSession
	case "product_id":
		return fProduct
	case "product_category":
		return fCategory
	case "brand":
		return fBrand
	case "currency":
		return fCurrency
	case "device_type":
		return fDevice
	case "page_url":
		return fURL
	case "order_id":
		return fOrder
	case "source":
		return fSource
	case "price":
		return fPrice
	case "quantity":
		return fQuantity
	case "properties":
		return fProperties
	}
	return fUnknown
}

// text is where a string field goes.
func (e *Event) text(field int) *string {
	switch field {
	case fID:
		return &e.ID
	case fType:
		return &e.Type
	case fUser:
		return &e.UserID
	case fSession:
		return &e.SessionID
	case fProduct:
		return &e.ProductID
	case fCategory:
		return &e.ProductCategory
	case fBrand:
		return &e.Brand
	case fCurrency:
		return &e.Currency
	case fDevice:
		return &e.DeviceType
	case fURL:
		return &e.PageURL
	case fOrder:
		return &e.OrderID
	default:
		return &e.Source
	}
}

func (d *Decoder) decode(value []byte, e *Event) *Rejection {
	*e = Event{Quantity: 1}
	if len(value) > MaxValue {
		return reject(ReasonTooLong, "", "%d bytes; an event has at most %d", len(value), MaxValue)
	}
	d.in = alias(value)
	if d.ordered(e) {
		return nil
	}
	*e = Event{Quantity: 1}
	return d.anyOrder(value, e)
}

// anyOrder is the general way to read an event.
func (d *Decoder) anyOrder(value []byte, e *Event) *Rejection {
	if !utf8.Valid(value) {
		return reject(ReasonBadEncoding, "", "the text is not UTF-8")
	}
	d.pos, d.folded = 0, d.folded[:0]
	if rej := d.members(e); rej != nil {
		return rej
	}
	d.space()
	if d.pos != len(d.in) {
		return d.bad("text after the object")
	}
	d.fold(e)
	return nil
}

func (d *Decoder) members(e *Event) *Rejection {
	d.space()
	if !d.take('{') {
		return d.bad("an event is one JSON object")
	}
	d.space()
	if d.take('}') {
		return reject(ReasonMissingField, "timestamp", "the object is empty")
	}
	var seen uint32
	for {
		d.space()
		nameStart := d.pos
		name, ok := d.str()
		if !ok {
			return d.bad("a field's name is expected")
		}
		d.space()
		if !d.take(':') {
			return d.bad("a colon is expected after a field's name")
		}
		d.space()
		field := fieldOf(name)
		if field != fUnknown {
			if seen&(1<<field) != 0 {
				return reject(ReasonDuplicateField, name, "the object has the field twice")
			}
			seen |= 1 << field
		}
		if rej := d.value(e, field, name, nameStart); rej != nil {
			return rej
		}
		d.space()
		if d.take(',') {
			continue
		}
		if !d.take('}') {
			return d.bad("a comma or the object's end is expected")
		}
		break
	}
	if seen&(1<<fTimestamp) == 0 {
		return reject(ReasonMissingField, "timestamp", "an event needs the time when it happened")
	}
	return nil
}

func (d *Decoder) value(e *Event, field int, name string, nameStart int) *Rejection {
	if field != fUnknown && d.literal("null") {
		if field == fTimestamp {
			return reject(ReasonMissingField, name, "an event needs the time when it happened")
		}
		return nil
	}
	switch field {
	case fTimestamp:
		return d.timestamp(e)
	case fPrice:
		number, rej := d.number(name)
		if rej != nil {
			return rej
		}
		price, ok := ParsePrice(number)
		if !ok {
			return reject(ReasonBadPrice, name, "%q is not a price of 0 or more", number)
		}
		e.Price, e.HasPrice = price, true
		return nil
	case fQuantity:
		number, rej := d.number(name)
		if rej != nil {
			return rej
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || n < 1 {
			return reject(ReasonBadQuantity, name, "%q is not a whole number of 1 or more", number)
		}
		e.Quantity = int32(n)
		return nil
	case fProperties:
		return d.properties(e)
	case fUnknown:
		start := d.pos
		if !d.skip(0) {
			return d.bad("the value is not JSON")
		}
		d.folded = append(d.folded, ',')
		d.folded = append(d.folded, d.in[nameStart:nameStart+rawStringLen(d.in[nameStart:])]...)
		d.folded = append(d.folded, ':')
		d.folded = append(d.folded, d.in[start:d.pos]...)
		return nil
	default:
		if s, ok := d.str(); ok {
			*e.text(field) = s
			return nil
		}
		if d.Lenient {
			if n, ok := d.num(); ok {
				*e.text(field) = n
				return nil
			}
		}
		return d.wrongType(name, "a string is expected")
	}
}

func (d *Decoder) properties(e *Event) *Rejection {
	start := d.pos
	if d.pos >= len(d.in) || d.in[d.pos] != '{' {
		return reject(ReasonBadType, "properties", "an object is expected")
	}
	if !d.skip(0) {
		return d.bad("the value is not JSON")
	}
	e.Properties = d.in[start:d.pos]
	if emptyObject(e.Properties) {
		e.Properties = ""
	}
	return nil
}

func (d *Decoder) timestamp(e *Event) *Rejection {
	s, ok := d.str()
	if ok {
		t, ok := ParseTime(s, d.Lenient)
		if !ok {
			return reject(ReasonBadTime, "timestamp", "%q is not a time as in 2026-11-22T10:04:05.123Z", clip([]byte(s)))
		}
		e.Timestamp = t
		return nil
	}
	if d.Lenient {
		if n, ok := d.num(); ok {
			t, ok := unixTime(n)
			if !ok {
				return reject(ReasonBadTime, "timestamp", "%s is not a Unix time", n)
			}
			e.Timestamp = t
			return nil
		}
	}
	return d.wrongType("timestamp", "a time as in \"2026-11-22T10:04:05.123Z\" is expected")
}

// unixTime reads seconds or milliseconds since 1970. Seconds reach 1e11 in the
// year 5138, milliseconds passed it in 1973, so the size tells them apart.
func unixTime(number string) (Millis, bool) {
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.Abs(f) > 1e15 {
		return 0, false
	}
	if math.Abs(f) < 1e11 {
		f *= 1000
	}
	return Millis(f), true
}

// number reads a number's text, in quotes too if lenient.
func (d *Decoder) number(name string) (string, *Rejection) {
	if n, ok := d.num(); ok {
		return n, nil
	}
	if d.Lenient {
		if s, ok := d.str(); ok {
			inner := Decoder{in: s}
			if n, ok := inner.num(); ok && inner.pos == len(s) {
				return n, nil
			}
			return "", reject(ReasonBadType, name, "a number is expected, not %q", clip([]byte(s)))
		}
	}
	return "", d.wrongType(name, "a number is expected")
}

// maxPrice keeps prices, and a day's sum of them, within a Decimal(18,4).
const maxPrice = 1_000_000_000 * PriceScale

// ParsePrice reads a decimal number into 1/PriceScale, rounded to the nearest.
func ParsePrice(s string) (int64, bool) {
	var units int64
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && i < 12; i++ {
		units = units*10 + int64(s[i]-'0')
	}
	if i == 0 {
		return slowPrice(s)
	}
	units *= PriceScale
	if i < len(s) && s[i] == '.' {
		start := i + 1
		scale := int64(PriceScale / 10)
		for i = start; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			switch i - start {
			case 0, 1, 2, 3:
				units += int64(s[i]-'0') * scale
				scale /= 10
			case 4:
				if s[i] >= '5' {
					units++
				}
			}
		}
		if i == start {
			return 0, false
		}
	}
	if i < len(s) {
		return slowPrice(s)
	}
	return units, units <= maxPrice
}

// slowPrice takes exponents and minus signs (-0 is a price).
func slowPrice(s string) (int64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= maxPrice/PriceScale) {
		return 0, false
	}
	return int64(math.Round(f * PriceScale)), true
}

// fold puts the unknown fields into Properties, after the ones sent there.
func (d *Decoder) fold(e *Event) {
	if len(d.folded) == 0 {
		return
	}
	if e.Properties == "" {
		d.folded[0] = '{'
		e.Properties = string(append(d.folded, '}'))
		return
	}
	inner := e.Properties[:len(e.Properties)-1]
	e.Properties = inner + string(d.folded) + "}"
}

func (d *Decoder) bad(message string) *Rejection {
	return reject(ReasonBadJSON, "", "%s (at byte %d)", message, d.pos+1)
}

// wrongType tells a value of the wrong kind from text that is not JSON at all.
func (d *Decoder) wrongType(field, message string) *Rejection {
	if !d.skip(0) {
		return d.bad("the value is not JSON")
	}
	return reject(ReasonBadType, field, "%s", message)
}
