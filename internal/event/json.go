package event

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// The scanner of the JSON grammar (RFC 8259) under the decoder. Each method
// reads one thing at d.pos and moves past it, or leaves d.pos alone and returns
// false; the caller, which expected something, rejects what is not JSON at all.

// maxDepth bounds how deep values may be nested.
const maxDepth = 64

// alias is b as a string, without a copy: b must not change while it is used.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// space moves past white space. Mostly there is none.
func (d *Decoder) space() {
	if d.pos < len(d.in) && d.in[d.pos] > ' ' {
		return
	}
	for d.pos < len(d.in) {
		switch d.in[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *Decoder) take(c byte) bool {
	if d.pos < len(d.in) && d.in[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *Decoder) literal(word string) bool {
	if len(d.in)-d.pos >= len(word) && d.in[d.pos:d.pos+len(word)] == word {
		d.pos += len(word)
		return true
	}
	return false
}

// str reads a string. One without escapes is a part of the input, not a copy.
func (d *Decoder) str() (string, bool) {
	if d.pos >= len(d.in) || d.in[d.pos] != '"' {
		return "", false
	}
	start := d.pos + 1
	i := plainRun(d.in, start)
	if i < len(d.in) && d.in[i] == '"' {
		d.pos = i + 1
		return d.in[start:i], true
	}
	raw := rawStringLen(d.in[d.pos:])
	if raw == 0 {
		return "", false
	}
	s, ok := unescape(d.in[start : d.pos+raw-1])
	if ok {
		d.pos += raw
	}
	return s, ok
}

// plainRun is the index of the first byte at or after i that ends a run of
// plain string bytes: a quote, a backslash or a control character. It tests
// eight bytes at a time ("Determine if a word has a byte less than n", Sean
// Anderson, Bit Twiddling Hacks).
func plainRun(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if stop != 0 {
			return i + bits.TrailingZeros64(stop)>>3
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

// rawStringLen is the length of the string literal that s begins with, quotes
// and all, or 0 if there is none.
func rawStringLen(s string) int {
	for i := 1; ; {
		i = plainRun(s, i)
		if i >= len(s) || s[i] < 0x20 {
			return 0
		}
		if s[i] == '"' {
			return i + 1
		}
		i += 2 // the backslash and what it escapes
	}
}

// unescape resolves a string's escapes. Half a surrogate pair becomes U+FFFD.
func unescape(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			end := plainRun(s, i)
			out = append(out, s[i:end]...)
			i = end
			continue
		}
		if i+1 >= len(s) {
			return "", false
		}
		switch c := s[i+1]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(s[i+2:])
			if !ok {
				return "", false
			}
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(s)-i >= 6 && s[i] == '\\' && s[i+1] == 'u' {
					low, _ = hex4(s[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			return "", false
		}
		i += 2
	}
	return alias(out), true
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// num reads a number and returns its text.
func (d *Decoder) num() (string, bool) {
	s, i := d.in, d.pos
	digits := func() bool {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return "", false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return "", false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return "", false
		}
	}
	text := s[d.pos:i]
	d.pos = i
	return text, true
}

// skip moves past any value and checks it.
func (d *Decoder) skip(depth int) bool {
	if d.pos >= len(d.in) || depth > maxDepth {
		return false
	}
	switch d.in[d.pos] {
	case '{':
		return d.skipList('}', depth, true)
	case '[':
		return d.skipList(']', depth, false)
	case '"':
		return d.skipString()
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	}
	_, ok := d.num()
	return ok
}

func (d *Decoder) skipString() bool {
	n := 0
	if d.pos < len(d.in) && d.in[d.pos] == '"' {
		n = rawStringLen(d.in[d.pos:])
	}
	if n == 0 {
		return false
	}
	start := d.pos + 1
	d.pos += n
	if plainRun(d.in, start) == d.pos-1 {
		return true
	}
	_, ok := unescape(d.in[start : d.pos-1])
	return ok
}

func (d *Decoder) skipList(end byte, depth int, named bool) bool {
	d.pos++
	d.space()
	if d.take(end) {
		return true
	}
	for {
		d.space()
		if named {
			if !d.skipString() {
				return false
			}
			d.space()
			if !d.take(':') {
				return false
			}
			d.space()
		}
		if !d.skip(depth + 1) {
			return false
		}
		d.space()
		if d.take(end) {
			return true
		}
		if !d.take(',') {
			return false
		}
	}
}

func emptyObject(s string) bool {
	for i := 1; i < len(s)-1; i++ {
		switch s[i] {
		case ' ', '\t', '\n', '\r':
		default:
			return false
		}
	}
	return true
}
