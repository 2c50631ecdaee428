package tracked

import (
	"cmp"

	"clickstream/ingest/formats/parse"
	"clickstream/ingest/mapping/guess"
)

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
			return cmp.Or(parse.SnakeCase(name), typeTrack)
		}
		folded[n] = c
		n++
	}
	if t, ok := guess.TrackedType(folded[:n]); ok {
		return t
	}
	return cmp.Or(parse.SnakeCase(name), typeTrack)
}
