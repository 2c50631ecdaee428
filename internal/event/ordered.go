package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// What AppendJSON writes is read by a shorter way: its fields come in one order
// and without white space, so the text in front of each value is known. Any other
// text, valid or not, is left to the decoder's general way.

// inOrder are the fields as AppendJSON writes them, each with the text in front
// of its value, a string's quote included.
var inOrder = [...]struct {
	text  string
	field int
}{
	{`"event_id":"`, fID},
	{`"event_type":"`, fType},
	{`"timestamp":"`, fTimestamp},
	{`"user_id":"`, fUser},
	{`"session_id":"`, fSession},
	{`"product_id":"`, fProduct},
	{`"product_category":"`, fCategory},
	{`"brand":"`, fBrand},
	{`"currency":"`, fCurrency},
	{`"device_type":"`, fDevice},
	{`"page_url":"`, fURL},
	{`"order_id":"`, fOrder},
	{`"source":"`, fSource},
	{`"price":`, fPrice},
	{`"quantity":`, fQuantity},
	{`"properties":`, fProperties},
}

// beginnings are the first eight bytes of each text of inOrder.
var beginnings = func() (all [len(inOrder)]uint64) {
	for i := range inOrder {
		all[i] = binary.LittleEndian.Uint64([]byte(inOrder[i].text))
	}
	return all
}()

// day is the date that the last timestamp had: most have the same one.
type day struct {
	text  [len("2026-11-22")]byte
	begin Millis
}

// ordered reads what AppendJSON has written. Of any other text it may read a
// part and return false.
func (d *Decoder) ordered(e *Event) bool {
	b := unsafe.Slice(unsafe.StringData(d.in), len(d.in))
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	high := uint64(0) // of words that were read; a byte that is not ASCII has its highest bit set
	timed := false
	for at, pos := 0, 1; ; at++ {
		if at = fieldAt(b[pos:], at); at < 0 {
			return false
		}
		pos += len(inOrder[at].text)
		switch field := inOrder[at].field; field {
		case fTimestamp:
			var ok bool
			if e.Timestamp, ok = d.fixedTime(b[pos:]); !ok {
				return false
			}
			timed = true
			pos += fixedTimeLen + 1
		case fPrice:
			n := fixedPrice(b[pos:], &e.Price)
			if n == 0 {
				return false
			}
			e.HasPrice = true
			pos += n
		case fQuantity:
			n := fixedQuantity(b[pos:], &e.Quantity)
			if n == 0 {
				return false
			}
			pos += n
		case fProperties:
			d.pos = pos
			if d.properties(e) != nil {
				return false
			}
			high, pos = ^uint64(0), d.pos
		default:
			end, seen := quoteAt(b, pos)
			if end < 0 {
				return false
			}
			high |= seen
			*e.text(field) = d.in[pos:end]
			pos = end + 1
		}
		switch {
		case pos >= len(b):
			return false
		case b[pos] == ',':
			pos++
		default:
			return b[pos] == '}' && pos+1 == len(b) && timed && (high&highBits == 0 || utf8.Valid(b))
		}
	}
}

// fieldAt is the place in inOrder, from on, of the field that b begins with, or
// -1.
func fieldAt(b []byte, from int) int {
	if len(b) < 8 {
		return -1
	}
	begins := binary.LittleEndian.Uint64(b)
	for at := from; at < len(inOrder); at++ {
		if beginnings[at] != begins {
			continue
		}
		// Two fields may begin with the same eight bytes.
		if text := inOrder[at].text; len(b) >= len(text) && string(b[:len(text)]) == text {
			return at
		}
	}
	return -1
}

const lowBits, highBits = 0x0101010101010101, 0x8080808080808080

// quoteAt is the index of the first quote in b at or after i, if only plain
// string bytes come before it, and else -1. The bytes that it has read are in
// high, one over the other.
func quoteAt(b []byte, i int) (end int, high uint64) {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		high |= w
		quote, slash := w^lowBits*'"', w^lowBits*'\\'
		stop := ((quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-lowBits*0x20)&^w) & highBits
		if stop == 0 {
			continue
		}
		i += bits.TrailingZeros64(stop) >> 3
		if b[i] != '"' {
			return -1, high
		}
		return i, high
	}
	for ; i < len(b); i++ {
		c := b[i]
		high |= uint64(c)
		if c == '"' {
			return i, high
		}
		if c == '\\' || c < 0x20 {
			break
		}
	}
	return -1, high
}

const fixedTimeLen = len("2026-11-22T10:04:05.123Z")

// fixedTime reads a time as AppendRFC3339 writes it, and the quote after it.
func (d *Decoder) fixedTime(b []byte) (Millis, bool) {
	if len(b) <= fixedTimeLen || b[fixedTimeLen] != '"' {
		return 0, false
	}
	if string(b[:len(d.day.text)]) != string(d.day.text[:]) {
		t, ok := ParseTime(alias(b[:fixedTimeLen]), false)
		if ok && b[fixedTimeLen-1] == 'Z' {
			copy(d.day.text[:], b)
			d.day.begin = t - (t%msPerDay+msPerDay)%msPerDay
		}
		return t, ok
	}
	if b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[23] != 'Z' {
		return 0, false
	}
	h, m, s, ms, last := twoDigits(b[11:]), twoDigits(b[14:]), twoDigits(b[17:]), twoDigits(b[20:]), b[22]-'0'
	if h > 23 || m > 59 || s > 59 || ms > 99 || last > 9 {
		return 0, false
	}
	return d.day.begin + h*3_600_000 + m*60_000 + s*1000 + ms*10 + Millis(last), true
}

// twoDigits is the number that b begins with, or more than 99.
func twoDigits(b []byte) Millis {
	tens, ones := b[0]-'0', b[1]-'0'
	if tens > 9 || ones > 9 {
		return 100
	}
	return Millis(tens)*10 + Millis(ones)
}

// fixedPrice reads a price as AppendPrice writes it and returns its length, or
// 0.
func fixedPrice(b []byte, price *int64) int {
	i := digits(b)
	if i == 0 {
		return 0
	}
	units := int64(0)
	for _, c := range b[:i] {
		units = units*10 + int64(c-'0')
	}
	places := 0
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			units = units*10 + int64(b[i]-'0')
			if places++; places > 4 {
				return 0
			}
		}
		if places == 0 {
			return 0
		}
	}
	for ; places < 4; places++ {
		units *= 10
	}
	*price = units
	return i
}

// fixedQuantity reads a quantity of 1 or more and returns its length, or 0.
func fixedQuantity(b []byte, quantity *int32) int {
	n := digits(b)
	if n == 0 || b[0] == '0' {
		return 0
	}
	*quantity = 0
	for _, c := range b[:n] {
		*quantity = *quantity*10 + int32(c-'0')
	}
	return n
}

// digits is how many digits of a JSON number b begins with, or 0 if they are more
// than nine or are none of one. Prices and quantities of nine digits are in range.
func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	if n > 9 || n > 1 && b[0] == '0' {
		return 0
	}
	return n
}
