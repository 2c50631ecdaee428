package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxFile bounds a rules file, in bytes.
const MaxFile = 1 << 20

// Parse reads a rules file:
//
//	lateness: 1m
//	rules:
//	  - name: flash_sale
//	    when: views > 100 && purchases < 5
//	    window: 10m
//	    slide: 1m
//	    description: Many look at it and few buy it.
//	    severity: warning
//	    notify: true
//
// A rule needs name and when; the other values are those shown, but for the
// description, which is empty. The error, if any, is Problems, each with its
// place in the file.
func Parse(text []byte) (*Set, error) {
	f := &fileReader{text: text, places: make(map[place]*yaml.Node)}
	lateness, rules := f.read()
	s, err := newSet(lateness, rules, f.problems)
	if err == nil {
		if impossible := s.impossible(); len(impossible) > 0 {
			err = impossible
		}
	}
	problems, failed := errors.AsType[Problems](err)
	if !failed {
		return s, err
	}
	// A value that could not be read is not missing or out of bounds as well.
	unread := make(map[place]bool)
	for _, p := range f.problems {
		unread[place{p.index, p.Field}] = true
	}
	found := problems[:len(f.problems)]
	for _, p := range problems[len(f.problems):] {
		if !unread[place{p.index, p.Field}] && !unread[place{p.index, ""}] {
			f.locate(&p)
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, found
}

// place is a field of a rule, or of the set with rule -1.
type place struct {
	rule  int
	field string
}

// fileReader reads a rules file and remembers where its fields are.
type fileReader struct {
	text     []byte
	places   map[place]*yaml.Node
	problems Problems
}

func (f *fileReader) fail(n *yaml.Node, rule int, field, format string, args ...any) {
	p := Problem{Field: field, Message: fmt.Sprintf(format, args...), index: rule, offset: -1}
	p.Line, p.Column = 1, 1
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	f.problems = append(f.problems, p)
}

func (f *fileReader) read() (time.Duration, []Rule) {
	lateness := time.Minute
	if len(f.text) > MaxFile {
		f.fail(nil, -1, "", "the file has more than %d bytes: is it a rules file?", MaxFile)
		return lateness, nil
	}
	root, err := f.document()
	if err != nil {
		f.fail(nil, -1, "", "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return lateness, nil
	}
	if root == nil || root.Kind != yaml.MappingNode {
		f.fail(root, -1, "", "not a rules file: it begins with rules: and a list of them")
		return lateness, nil
	}
	var rules []Rule
	f.fields(root, -1, map[string]func(*yaml.Node){
		"lateness": func(n *yaml.Node) { lateness = f.duration(n, -1, "lateness", lateness) },
		"rules":    func(n *yaml.Node) { rules = f.rules(n) },
	})
	return lateness, rules
}

// document is the file's only document, or nil if it is empty.
func (f *fileReader) document() (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(f.text))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("line %d: a second document begins: keep all rules in the first", more.Line)
	}
	return doc.Content[0], nil
}

func (f *fileReader) rules(n *yaml.Node) []Rule {
	if n.Kind != yaml.SequenceNode {
		f.fail(n, -1, "rules", "give a list, one rule after each dash")
		return nil
	}
	rules := make([]Rule, len(n.Content))
	for i, item := range n.Content {
		r := &rules[i]
		*r = Rule{Window: 10 * time.Minute, Slide: time.Minute, Severity: Warning, Notify: true}
		f.places[place{i, ""}] = item
		if item.Kind != yaml.MappingNode {
			f.fail(item, i, "", "give fields, such as name and when")
			continue
		}
		text := func(field string, to *string) func(*yaml.Node) {
			return func(n *yaml.Node) { *to = f.scalar(n, i, field) }
		}
		length := func(field string, to *time.Duration) func(*yaml.Node) {
			return func(n *yaml.Node) { *to = f.duration(n, i, field, *to) }
		}
		f.fields(item, i, map[string]func(*yaml.Node){
			"name": text("name", &r.Name), "when": text("when", &r.When),
			"window": length("window", &r.Window), "slide": length("slide", &r.Slide),
			"description": text("description", &r.Description), "severity": text("severity", &r.Severity),
			"notify": func(n *yaml.Node) { r.Notify = f.boolean(n, i, "notify") },
		})
	}
	return rules
}

// fields passes each field of a mapping to the function of its name.
func (f *fileReader) fields(mapping *yaml.Node, rule int, take map[string]func(*yaml.Node)) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		at := place{rule, key.Value}
		set, known := take[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !known:
			f.fail(key, rule, key.Value, "is not a field: give %s", strings.Join(slices.Sorted(maps.Keys(take)), ", "))
		case f.places[at] != nil:
			f.fail(key, rule, key.Value, "is given twice: give it once")
		default:
			f.places[at] = value
			set(value)
		}
	}
}

// scalar is the text of a value.
func (f *fileReader) scalar(n *yaml.Node, rule int, field string) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		f.fail(n, rule, field, "give one value, without anchors")
	case n.Style&yaml.TaggedStyle != 0:
		f.fail(n, rule, field, "begins with !, which is a tag in YAML: put the value in quotes")
	case n.Tag == "!!null":
		return ""
	default:
		return n.Value
	}
	return ""
}

func (f *fileReader) duration(n *yaml.Node, rule int, field string, otherwise time.Duration) time.Duration {
	before := len(f.problems)
	text := f.scalar(n, rule, field)
	if len(f.problems) > before {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		f.fail(n, rule, field, "%q is not a length of time: give one such as 90s, 10m or 1h30m", text)
		return otherwise
	}
	return d
}

func (f *fileReader) boolean(n *yaml.Node, rule int, field string) bool {
	var b bool
	if n.Kind != yaml.ScalarNode || n.Decode(&b) != nil {
		f.fail(n, rule, field, "give true or false")
	}
	return b
}

// locate says where in the file a problem is: at the field, or where the rule or
// the file begins if the field is not there.
func (f *fileReader) locate(p *Problem) {
	n := f.places[place{p.index, p.Field}]
	if n == nil {
		n = f.places[place{p.index, ""}]
	}
	if n == nil {
		p.Line, p.Column = 1, 1
		return
	}
	p.Line, p.Column = n.Line, n.Column
	if p.offset >= 0 {
		p.Line, p.Column = f.within(n, p.offset)
	}
}

// within is the place of a character of a scalar. YAML folds lines and takes
// indentation off, so both texts are walked side by side by what is no space;
// where they differ all the same, as in an escape, it is the value's place.
func (f *fileReader) within(n *yaml.Node, offset int) (line, column int) {
	value := []rune(n.Value)
	line, column = n.Line, n.Column
	source := f.from(line, column)
	next := func() rune {
		r, size := utf8.DecodeRune(source)
		source = source[size:]
		if column++; r == '\n' {
			line, column = line+1, 1
		}
		return r
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for len(source) > 0 && next() != '\n' { // the line with | or >
		}
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		next()
	}
	for i := 0; len(source) > 0; {
		r, _ := utf8.DecodeRune(source)
		for i < len(value) && space(value[i]) && !space(r) {
			i++
		}
		switch {
		case i >= len(value) || i >= offset && !space(r):
			return line, column
		case space(r):
			if i < len(value) && space(value[i]) {
				i++
			}
			next()
			continue
		case r != value[i]:
			return n.Line, n.Column
		}
		i++
		next()
	}
	return n.Line, n.Column
}

func space(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// from is the file's text from a place on.
func (f *fileReader) from(line, column int) []byte {
	text := f.text
	for ; line > 1; line-- {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	for ; column > 1 && len(text) > 0; column-- {
		_, size := utf8.DecodeRune(text)
		text = text[size:]
	}
	return text
}
