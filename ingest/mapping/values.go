package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"clickstream/internal/event"
)

// ParsePrice reads an amount as people and spreadsheets write it: with signs of
// a currency or its three letters around it, and separators of thousands.
func ParsePrice(text string, decimalComma bool) (int64, bool) {
	if strings.Trim(text, "0123456789.") == "" && (!decimalComma || strings.IndexByte(text, '.') < 0) {
		return event.ParsePrice(text)
	}
	text = strings.TrimFunc(text, around)
	if len(text) > 3 && letters(text[:3]) {
		text = strings.TrimFunc(text[3:], around)
	}
	if n := len(text) - 3; n > 0 && letters(text[n:]) {
		text = strings.TrimFunc(text[:n], around)
	}
	return parseGrouped(text, decimalComma)
}

func around(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) }

func letters(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// parseGrouped reads a number with separators of thousands, which stand three
// digits apart, and a point or a comma before its fraction.
func parseGrouped(text string, decimalComma bool) (int64, bool) {
	point, thousands := byte('.'), byte(',')
	if decimalComma {
		point, thousands = thousands, point
	}
	whole, fraction := text, ""
	if i := strings.IndexByte(text, point); i >= 0 {
		whole, fraction = text[:i], text[i:]
	}
	var buf [64]byte
	plain := buf[:0]
	since, grouped := 0, false
	for i := 0; i < len(whole); {
		r, size := utf8.DecodeRuneInString(whole[i:])
		switch {
		case r >= '0' && r <= '9':
			plain = append(plain, byte(r))
			since++
		case r == rune(thousands) || r == '\'' || r == '’' || unicode.IsSpace(r):
			if since == 0 || since > 3 || grouped && since != 3 {
				return 0, false
			}
			since, grouped = 0, true
		case (r == '-' || r == '+') && i == 0:
			plain = append(plain, byte(r))
		default:
			return 0, false
		}
		i += size
	}
	if grouped && since != 3 || len(plain) == 0 {
		return 0, false
	}
	if fraction != "" {
		plain = append(append(plain, '.'), fraction[1:]...)
	}
	return event.ParsePrice(string(plain))
}

// ParseQuantity reads a whole number of 1 or more.
func ParseQuantity(text string, decimalComma bool) (int32, bool) {
	units, ok := ParsePrice(text, decimalComma)
	n := units / event.PriceScale
	if !ok || units%event.PriceScale != 0 || n < 1 || n > 1<<31-1 {
		return 0, false
	}
	return int32(n), true
}
