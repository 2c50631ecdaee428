package formats

import "clickstream/ingest/mapping/guess"

// Types of orders of which the products are not known.
const (
	typeOrderCompleted = "order_completed"
	typeOrderRefunded  = "order_refunded"
)

// typeTrack is the type of events whose name makes no type.
const typeTrack = "track"

// typeOf is the event type for a name in a tracking tool's export, whatever its
// case and separators: the one that is specified, else the name in snake_case. It
// is part of the event's identity, so it stays as it is; what is guessed of a
// word in any other file may change (guess/types.txt).
func typeOf(name string) string {
	var folded [32]byte
	n := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c < 0x80:
			continue
		}
		if n == len(folded) {
			return snakeCase(name)
		}
		folded[n] = c
		n++
	}
	if t, ok := guess.TrackedType(folded[:n]); ok {
		return t
	}
	return snakeCase(name)
}

// snakeCase is name as an event type, at most 64 bytes of it, or typeTrack
// where it has no letter of ASCII's to begin with.
func snakeCase(name string) string {
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
		return typeTrack
	}
	return text(out)
}
