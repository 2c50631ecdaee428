package mapped

import (
	"strings"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// mappedJSON reads JSON lines by a mapping. A row's id is made from its members
// as they are in the file, dropped ones too: the names and the values' text as
// JSON, in the file's order.
type mappedJSON struct {
	filling
	root  node
	texts []string
	seen  []bool

	properties parse.Properties
	rest       []byte // of objects of which some members are mapped
	content    eventid.Content
	ids        *eventid.Rows
	id         []byte
}

// node is what is wanted of an object's members, by their names.
type node struct {
	text     int // where the value goes in texts, from 1; 0: nowhere
	column   string
	drop     bool // what no field takes is left out
	children map[string]*node
}

func openMappedJSON(_ *input.Lines, ids *eventid.Rows, m mapping.Mapping) (input.Rows, error) {
	fill, err := newFilling(m)
	if err != nil {
		return nil, err
	}
	r := &mappedJSON{filling: fill, ids: ids}
	for i := range r.sources {
		s := &r.sources[i]
		for _, column := range s.columns {
			s.at = append(s.at, r.want(column.Name))
		}
	}
	for _, column := range m.Drop {
		for _, n := range r.nodes(column.Name) {
			n.drop = true
		}
	}
	r.seen = make([]bool, len(r.texts))
	return r, nil
}

// want returns where the text of a column goes.
func (r *mappedJSON) want(name string) int {
	of := r.nodes(name)
	if of[0].text == 0 {
		r.texts = append(r.texts, "")
		for _, n := range of {
			n.text, n.column = len(r.texts), name
		}
	}
	return of[0].text - 1
}

// nodes are those of a column: a member of that whole name, and the path with dots
// between.
func (r *mappedJSON) nodes(name string) [2]*node {
	path := &r.root
	for part := range strings.SplitSeq(name, ".") {
		path = path.child(part)
	}
	return [2]*node{r.root.child(name), path}
}

func (n *node) child(name string) *node {
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	if n.children[name] == nil {
		n.children[name] = &node{}
	}
	return n.children[name]
}

func (r *mappedJSON) Next(in *input.Lines, e *event.Event) error {
	line, err := in.NextObject()
	if err != nil {
		return err
	}
	clear(r.texts)
	clear(r.seen)
	r.properties.Reset()
	r.rest = r.rest[:0]
	r.content.Row()
	for c := parse.Inside(line); ; {
		name, value, ok := c.Member()
		if !ok {
			break
		}
		r.content.Field(name, parse.Text(value))
		if err := r.member(name, value); err != nil {
			return err
		}
	}
	if err := r.event(e, r.texts); err != nil {
		return err
	}
	e.Properties = r.properties.Text()
	if e.ID != "" {
		return nil
	}
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = parse.Text(r.id)
	return nil
}

// member takes what is mapped from a member of the row; the rest is a property,
// unless it is dropped.
func (r *mappedJSON) member(name string, value []byte) error {
	n := r.root.children[name]
	switch {
	case n == nil:
		r.property(name, value)
	case n.children != nil && value[0] == '{':
		from := len(r.rest)
		if err := r.object(n, value); err != nil {
			return err
		}
		if !n.drop {
			r.property(name, r.rest[from:len(r.rest):len(r.rest)])
		}
	case n.text > 0:
		return r.take(n, value)
	case !n.drop:
		r.property(name, value)
	}
	return nil
}

// property adds a member to the properties. Members of an object of that name are
// properties themselves.
func (r *mappedJSON) property(name string, value []byte) {
	if name != "properties" || value[0] != '{' {
		r.properties.Add(name, value)
		return
	}
	for c := parse.Inside(value); ; {
		inner, value, ok := c.Member()
		if !ok {
			return
		}
		r.properties.Add(inner, value)
	}
}

// object takes what is mapped from an object and appends what is left of it to
// rest.
func (r *mappedJSON) object(n *node, value []byte) error {
	r.rest = append(r.rest, '{')
	from := len(r.rest)
	for c := parse.Inside(value); ; {
		name, value, ok := c.Member()
		if !ok {
			break
		}
		child := n.children[name]
		if child != nil && child.text > 0 && (child.children == nil || value[0] != '{') {
			if err := r.take(child, value); err != nil {
				return err
			}
			continue
		}
		before := len(r.rest)
		if child != nil && child.drop {
			if child.children != nil && value[0] == '{' {
				if err := r.object(child, value); err != nil {
					return err
				}
			}
			r.rest = r.rest[:before]
			continue
		}
		if before > from {
			r.rest = append(r.rest, ',')
		}
		r.rest = append(parse.AppendJSON(r.rest, []byte(name)), ':')
		if child == nil || child.children == nil || value[0] != '{' {
			r.rest = append(r.rest, value...)
			continue
		}
		inner := len(r.rest)
		if err := r.object(child, value); err != nil {
			return err
		}
		if string(r.rest[inner:]) == "{}" {
			r.rest = r.rest[:before]
		}
	}
	r.rest = append(r.rest, '}')
	return nil
}

func (r *mappedJSON) take(n *node, value []byte) error {
	at := n.text - 1
	if r.seen[at] {
		return parse.Rejected(event.ReasonDuplicateField, n.column, "the object has the member twice")
	}
	r.seen[at] = true
	s, ok := parse.Scalar(value)
	if value[0] == 't' || value[0] == 'f' {
		s, ok = parse.Text(value), true
	}
	if !ok {
		return parse.Rejected(event.ReasonBadType, n.column, "a text or a number is expected; of an object, name the member, as in %s.id", n.column)
	}
	r.texts[at] = s
	return nil
}
