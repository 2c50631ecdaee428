package parse

import (
	"bytes"
	"encoding/json"
	"strings"

	"clickstream/internal/event"
)

// Cursor walks over the members of an object or the elements of an array, which
// is valid JSON. It allocates only for names with escapes.
type Cursor struct{ rest []byte }

// Inside returns a cursor over a value's inside, which is empty if it is
// neither an object nor an array.
func Inside(value []byte) Cursor {
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return Cursor{}
	}
	return Cursor{value[1 : len(value)-1]}
}

// Member returns an object's next member, its value as it is in the text.
func (c *Cursor) Member() (name string, value []byte, ok bool) {
	quoted, ok := c.Element()
	if !ok {
		return "", nil, false
	}
	name, _ = Scalar(quoted)
	value, _ = c.Element()
	return name, value, true
}

// Element returns an array's next element as it is in the text.
func (c *Cursor) Element() (value []byte, ok bool) {
	b := c.rest
	for len(b) > 0 && (b[0] <= ' ' || b[0] == ',' || b[0] == ':') {
		b = b[1:]
	}
	if len(b) == 0 {
		return nil, false
	}
	n := valueLen(b)
	c.rest = b[n:]
	return b[:n], true
}

// valueLen is the length of the valid JSON value that b begins with.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			for i < len(b) && strings.IndexByte(",:}] \t\r\n", b[i]) < 0 {
				i++
			}
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// Find returns a member of the object, or nil if it has none of that name.
func Find(object []byte, name string) []byte {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	for c := Inside(object); ; {
		switch got, value, ok := c.Member(); {
		case !ok:
			return nil
		case got == name:
			return value
		}
	}
}

// Scalar returns the text of a string, number or null, which is empty. Other
// values are not ok. A string without escapes aliases value.
func Scalar(value []byte) (s string, ok bool) {
	switch {
	case len(value) == 0 || value[0] == 'n':
		return "", true
	case value[0] == '"':
		inner := value[1 : len(value)-1]
		if bytes.IndexByte(inner, '\\') < 0 {
			return Text(inner), true
		}
		return unescaped(value)
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return Text(value), true
	}
	return "", false
}

func unescaped(quoted []byte) (s string, ok bool) { return s, json.Unmarshal(quoted, &s) == nil }

// ScalarOf is scalar for the field of that name.
func ScalarOf(value []byte, field string) (string, error) {
	s, ok := Scalar(value)
	if !ok {
		return "", Rejected(event.ReasonBadType, field, "a string or a number is expected")
	}
	return s, nil
}

// AnyObject says whether one of the lines is a JSON object that passes test.
// The last line may be cut off.
func AnyObject(head [][]byte, test func(object []byte) bool) bool {
	for _, line := range head {
		line = bytes.TrimSpace(line)
		if json.Valid(line) && line[0] == '{' && test(line) {
			return true
		}
	}
	return false
}

// Has says whether the object has members of all these names.
func Has(object []byte, names ...string) bool {
	for _, name := range names {
		if Find(object, name) == nil {
			return false
		}
	}
	return true
}

// AppendJSON appends s, which is UTF-8, as a JSON string.
func AppendJSON(dst, s []byte) []byte {
	for _, c := range s {
		if c < 0x20 || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(s)) // a string always has a text
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
