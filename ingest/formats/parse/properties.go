package parse

import (
	"slices"
	"strconv"

	"clickstream/internal/event"
)

// maxNested is how deep a value in the properties may be nested: the log's
// reader takes 64 levels.
const maxNested = 32

// Properties gathers what has no place among an event's own fields. What is
// null, empty or "(not set)" is absent; of two fields with one name the first stays. Fields
// that exceed an event's limits are left out and counted, for an event is
// worth more than they are.
type Properties struct {
	fields  []property
	size    int
	leftOut int
	buf     []byte
}

type property struct {
	name  string
	value []byte // as JSON
}

// Reset begins the properties of another event.
func (p *Properties) Reset() {
	p.fields, p.size, p.leftOut = p.fields[:0], len(`{"left_out":1000000}`), 0
}

// Add adds a field whose value is JSON. Both stay as they are until the text
// is made.
func (p *Properties) Add(name string, value []byte) {
	switch string(value) {
	case "", "null", `""`, "{}", "[]", `"(not set)"`:
		return
	}
	p.buf = AppendJSON(p.buf[:0], []byte(name))
	size := len(p.buf) + len(value) + len(":,")
	switch {
	case p.size+size > event.MaxProperties || nested(value) > maxNested:
		p.leftOut++
	case slices.ContainsFunc(p.fields, func(f property) bool { return f.name == name }):
	default:
		p.size += size
		p.fields = append(p.fields, property{name, value})
	}
}

// AddAll adds other's fields.
func (p *Properties) AddAll(other *Properties) {
	p.leftOut += other.leftOut
	for _, f := range other.fields {
		p.Add(f.name, f.value)
	}
}

// Text is the properties as JSON, or empty. It is good until the next call.
func (p *Properties) Text() string {
	b := append(p.buf[:0], '{')
	for _, f := range p.fields {
		b = append(AppendJSON(b, []byte(f.name)), ':')
		b = append(append(b, f.value...), ',')
	}
	if p.leftOut > 0 {
		b = append(strconv.AppendInt(append(b, `"left_out":`...), int64(p.leftOut), 10), ',')
	}
	p.buf = b
	if len(b) == 1 {
		return ""
	}
	b[len(b)-1] = '}'
	return Text(b)
}

// nested is how deep valid JSON is nested.
func nested(value []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}
