package event

import (
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the event as it is written to the log: one JSON object, its
// fields in a fixed order, absent ones left out. Decode reads it back to an
// equal event.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"event_id":`...)
	dst = appendString(dst, e.ID)
	dst = append(dst, `,"event_type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"timestamp":"`...)
	dst = e.Timestamp.AppendRFC3339(dst)
	dst = append(dst, '"')
	dst = appendField(dst, `,"user_id":`, e.UserID)
	dst = appendField(dst, `,"session_id":`, e.SessionID)
	dst = appendField(dst, `,"product_id":`, e.ProductID)
	dst = appendField(dst, `,"product_category":`, e.ProductCategory)
	dst = appendField(dst, `,"brand":`, e.Brand)
	dst = appendField(dst, `,"currency":`, e.Currency)
	dst = appendField(dst, `,"device_type":`, e.DeviceType)
	dst = appendField(dst, `,"page_url":`, e.PageURL)
	dst = appendField(dst, `,"order_id":`, e.OrderID)
	dst = appendField(dst, `,"source":`, e.Source)
	if e.HasPrice {
		dst = append(dst, `,"price":`...)
		dst = AppendPrice(dst, e.Price)
	}
	if e.Quantity != 1 {
		dst = append(dst, `,"quantity":`...)
		dst = strconv.AppendInt(dst, int64(e.Quantity), 10)
	}
	if e.Properties != "" {
		dst = append(dst, `,"properties":`...)
		dst = append(dst, e.Properties...)
	}
	return append(dst, '}')
}

func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, name...), value)
}

// AppendPrice appends a price in 1/PriceScale as a decimal number without
// trailing zeros.
func AppendPrice(dst []byte, price int64) []byte {
	dst = strconv.AppendInt(dst, price/PriceScale, 10)
	rest := price % PriceScale
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/1000), byte('0'+rest/100%10), byte('0'+rest/10%10), byte('0'+rest%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259). Bytes that are not UTF-8
// become U+FFFD, so that what is written can always be read.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if plainRun(s, 0) == len(s) && utf8.ValidString(s) {
		return append(append(dst, s...), '"')
	}
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

const msPerDay = 86_400_000

// AppendRFC3339 appends m in UTC with three decimals of a second, as in
// 2026-11-22T10:04:05.123Z. Years outside 0000 to 9999 do not occur in valid
// events.
func (m Millis) AppendRFC3339(dst []byte) []byte {
	day, ms := int64(m)/msPerDay, int64(m)%msPerDay
	if ms < 0 {
		day, ms = day-1, ms+msPerDay
	}
	y, mo, d := civil(day)
	dst = append(dst, byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+mo/10), byte('0'+mo%10), '-', byte('0'+d/10), byte('0'+d%10), 'T')
	h, mi, s, f := ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000
	return append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+mi/10), byte('0'+mi%10), ':',
		byte('0'+s/10), byte('0'+s%10), '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10), 'Z')
}

func (m Millis) String() string { return string(m.AppendRFC3339(nil)) }
