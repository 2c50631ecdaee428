package formats

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"clickstream/internal/event"
)

// nextObject reads the next line and checks that it is one JSON object.
func nextObject(in *lines) ([]byte, error) {
	line, err := in.next()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(line) {
		return nil, rejected(event.ReasonBadEncoding, "", "the line is not UTF-8")
	}
	if !json.Valid(line) {
		var value json.RawMessage
		return nil, rejected(event.ReasonBadJSON, "", "the line is not JSON: %v", json.Unmarshal(line, &value))
	}
	if line = bytes.TrimSpace(line); line[0] != '{' {
		return nil, rejected(event.ReasonBadJSON, "", "a line is one JSON object")
	}
	return line, nil
}

// cursor walks over the members of an object or the elements of an array, which
// is valid JSON. It allocates only for names with escapes.
type cursor struct{ rest []byte }

// inside returns a cursor over a value's inside, which is empty if it is
// neither an object nor an array.
func inside(value []byte) cursor {
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return cursor{}
	}
	return cursor{value[1 : len(value)-1]}
}

// member returns an object's next member, its value as it is in the text.
func (c *cursor) member() (name string, value []byte, ok bool) {
	quoted, ok := c.element()
	if !ok {
		return "", nil, false
	}
	name, _ = scalar(quoted)
	value, _ = c.element()
	return name, value, true
}

// element returns an array's next element as it is in the text.
func (c *cursor) element() (value []byte, ok bool) {
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

// find returns a member of the object, or nil if it has none of that name.
func find(object []byte, name string) []byte {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	for c := inside(object); ; {
		switch got, value, ok := c.member(); {
		case !ok:
			return nil
		case got == name:
			return value
		}
	}
}

// scalar returns the text of a string, number or null, which is empty. Other
// values are not ok. A string without escapes aliases value.
func scalar(value []byte) (s string, ok bool) {
	switch {
	case len(value) == 0 || value[0] == 'n':
		return "", true
	case value[0] == '"':
		inner := value[1 : len(value)-1]
		if bytes.IndexByte(inner, '\\') < 0 {
			return text(inner), true
		}
		return unescaped(value)
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return text(value), true
	}
	return "", false
}

func unescaped(quoted []byte) (s string, ok bool) { return s, json.Unmarshal(quoted, &s) == nil }

// scalarOf is scalar for the field of that name.
func scalarOf(value []byte, field string) (string, error) {
	s, ok := scalar(value)
	if !ok {
		return "", rejected(event.ReasonBadType, field, "a string or a number is expected")
	}
	return s, nil
}

// anyObject says whether one of the lines is a JSON object that passes test.
// The last line may be cut off.
func anyObject(head [][]byte, test func(object []byte) bool) bool {
	for _, line := range head {
		line = bytes.TrimSpace(line)
		if json.Valid(line) && line[0] == '{' && test(line) {
			return true
		}
	}
	return false
}

func has(object []byte, names ...string) bool {
	for _, name := range names {
		if find(object, name) == nil {
			return false
		}
	}
	return true
}
