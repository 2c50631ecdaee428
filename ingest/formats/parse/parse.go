// Package parse reads what the text of a row says: JSON objects without decoding
// them, prices, quantities and times, and it gathers the rest as properties. What
// cannot be read is a *event.Rejection with its reason and field.
//
// Texts alias the row's bytes where they can, and are good as long as these are.
package parse

import (
	"fmt"
	"unsafe"

	"clickstream/internal/event"
)

// Clip is the first n bytes of b, or all of them.
func Clip(b []byte, n int) []byte { return b[:min(n, len(b))] }

// Text is b as a string, without a copy: it changes with b.
func Text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Rejected is a *event.Rejection of a row, or of one of its events.
func Rejected(reason event.Reason, field, message string, args ...any) error {
	return &event.Rejection{Reason: reason, Field: field, Message: fmt.Sprintf(message, args...)}
}

// SnakeCase is name in snake_case, at most 64 bytes of it, or empty where it has
// no letter of ASCII's to begin with.
func SnakeCase(name string) string {
	out := make([]byte, 0, len(name)+8)
	lower, gap := false, false // of what came before
	for i := 0; i < len(name) && len(out) < 64; i++ {
		c := name[i]
		upper := c >= 'A' && c <= 'Z'
		switch {
		case upper:
			gap = gap || lower
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			gap = gap || c < 0x80
			continue
		}
		if gap && len(out) > 0 {
			out = append(out, '_')
		}
		out = append(out, c)
		lower, gap = !upper, false
	}
	out = out[:min(len(out), 64)]
	if len(out) == 0 || out[0] < 'a' {
		return ""
	}
	return Text(out)
}
