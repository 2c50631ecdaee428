package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fields are those of an event that a mapping can fill, in the order in which
// String writes them.
var fields = []string{
	"event_id", "event_type", "timestamp", "user_id", "session_id", "product_id", "product_category", "brand",
	"price", "quantity", "currency", "order_id", "device_type", "page_url", "source",
}

var settings = []string{"time", "zone", "decimal", "kind", "separator", "quote", "skip", "header", "encoding"}

// Entries that are neither a field's nor a setting's.
const (
	auto = "auto"
	drop = "drop"
)

// Fields are the names of the event's fields that a mapping can fill.
func Fields() []string { return slices.Clone(fields) }

// Parse reads a mapping from a flag's value, and reports everything that is
// wrong with it, what Check finds included.
func Parse(flag string) (Mapping, error) {
	if !utf8.ValidString(flag) {
		return Mapping{}, errors.New("the mapping is not UTF-8")
	}
	p := parser{in: flag}
	for more := true; more; {
		more = p.entry()
	}
	if len(p.problems) > 0 {
		return Mapping{}, errors.Join(p.problems...)
	}
	return p.m, p.m.Check()
}

type parser struct {
	in       string // what is not read yet
	m        Mapping
	values   string          // the field whose pairs TEXT=TEXT belong to
	seen     map[string]bool // fields and settings so far
	entries  int
	problems []error
}

func (p *parser) bad(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf(format, args...))
}

// token is a name or a text: bare, or in quotes.
type token struct {
	text  string
	quote byte // 0: bare
}

// token reads up to one of stops or the end. It reports quotes that are wrong.
func (p *parser) token(stops string) token {
	p.in = strings.TrimLeft(p.in, " ")
	if p.in == "" || p.in[0] != '\'' && p.in[0] != '"' {
		n := strings.IndexAny(p.in, stops)
		if n < 0 {
			n = len(p.in)
		}
		t := token{text: strings.TrimRight(p.in[:n], " ")}
		p.in = p.in[n:]
		return t
	}
	t, quote := token{quote: p.in[0]}, p.in[:1]
	for rest := p.in[1:]; ; {
		text, after, closed := strings.Cut(rest, quote)
		t.text += text
		if !closed {
			p.bad("a quote is opened and not closed: %s", p.in)
			p.in = ""
			return t
		}
		if !strings.HasPrefix(after, quote) {
			p.in = strings.TrimLeft(after, " ")
			break
		}
		t.text += quote
		rest = after[1:]
	}
	if p.in != "" && !strings.Contains(stops, p.in[:1]) {
		p.bad("%q follows a closing quote: write a quote in a quoted text twice", p.token(",").text)
	}
	return t
}

func (p *parser) take(c byte) bool {
	if p.in != "" && p.in[0] == c {
		p.in = p.in[1:]
		return true
	}
	return false
}

// entry reads one entry and says whether another one follows.
func (p *parser) entry() bool {
	p.entries++
	name := p.token(",=:")
	bare := name.quote == 0
	for bare && !slices.Contains(fields, name.text) && p.take(':') {
		name.text += ":" + p.token(",=:").text
	}
	switch {
	case bare && slices.Contains(fields, name.text) && p.take(':'):
		p.values = name.text
		from := p.token(",=")
		p.pair(from.text)
	case bare && slices.Contains(fields, name.text):
		p.field(name.text)
	case bare && name.text == drop:
		p.drop()
	case bare && slices.Contains(settings, name.text):
		p.setting(name.text)
	case bare && name.text == auto && p.entries == 1 && !strings.HasPrefix(p.in, "="):
		p.m.Auto = true
	case p.values != "":
		p.pair(name.text)
	case name.text == "" && bare:
		p.bad("an entry is empty: write FIELD=COLUMN, as in event_type=action")
		p.token(",")
	default:
		p.bad("%q is neither a field nor a setting: the fields are %s; the settings are %s; %s=COLUMN leaves a column out",
			name.text, strings.Join(fields, ", "), strings.Join(settings, ", "), drop)
		if p.take('=') {
			p.token(",")
		}
	}
	return p.take(',')
}

func (p *parser) once(name string) {
	if p.seen[name] {
		p.bad("%s is given twice: give it once", name)
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[name] = true
}

func (p *parser) pair(from string) {
	if !p.take('=') {
		p.bad("%s:%s lacks what it becomes: write %s:%s=TEXT", p.values, from, p.values, from)
		return
	}
	to := p.token(",=").text
	if p.take('=') {
		p.bad("%s:%s has a second equals sign: put a text that holds one in single quotes", p.values, from)
		p.token(",")
	}
	if _, again := p.m.Values[p.values][from]; again {
		p.bad("%s:%s is given twice: give it once", p.values, from)
	}
	p.m.setValue(p.values, from, to)
}

func (m *Mapping) setValue(field, from, to string) {
	if m.Values == nil {
		m.Values = make(map[string]map[string]string)
	}
	if m.Values[field] == nil {
		m.Values[field] = make(map[string]string)
	}
	m.Values[field][from] = to
}

func (m *Mapping) setColumns(field string, c Columns) {
	if m.Columns == nil {
		m.Columns = make(map[string]Columns)
	}
	m.Columns[field] = c
}

func (m *Mapping) setConstant(field, text string) {
	if m.Constants == nil {
		m.Constants = make(map[string]string)
	}
	m.Constants[field] = text
}

func (p *parser) field(name string) {
	p.once(name)
	p.values = ""
	if !p.take('=') {
		p.bad("%s lacks its column: write %s=COLUMN or %s='TEXT'", name, name, name)
		return
	}
	if strings.HasPrefix(strings.TrimLeft(p.in, " "), "'") {
		p.m.setConstant(name, p.token(",").text)
		return
	}
	if columns, ok := p.columns(name); ok {
		p.m.setColumns(name, columns)
	}
}

func (p *parser) drop() {
	p.once(drop)
	p.values = ""
	if !p.take('=') {
		p.bad("%s lacks its columns: write %s=COLUMN, or %s=COLUMN+COLUMN", drop, drop, drop)
		return
	}
	if columns, ok := p.columns(drop); ok {
		p.m.Drop = columns
	}
}

// columns reads COLUMN or COLUMN+COLUMN.
func (p *parser) columns(field string) (columns Columns, ok bool) {
	ok = true
	for {
		t := p.token(",+=")
		c := Column{Name: t.text}
		switch {
		case t.quote == '\'':
			p.bad("%s: %q is a text, and columns are expected: put a name in double quotes", field, t.text)
			ok = false
		case t.text == "":
			p.bad("%s: the column's name is empty: give its position, as in #3", field)
			ok = false
		case t.quote == 0 && t.text[0] == '#':
			n, err := strconv.Atoi(t.text[1:])
			if err != nil || n < 1 || t.text[1] == '+' {
				p.bad("%s: %q is not a position as in #3: put a name that begins with # in double quotes", field, t.text)
				ok = false
			}
			c = Column{Position: n}
		}
		columns = append(columns, c)
		if p.take('=') {
			p.bad("%s: an equals sign follows column %q: put a name that holds one in double quotes", field, t.text)
			p.token(",")
			return nil, false
		}
		if !p.take('+') {
			return columns, ok
		}
	}
}

func (p *parser) setting(name string) {
	p.once(name)
	p.values = ""
	if !p.take('=') {
		p.bad("%s lacks its value: write %s=VALUE", name, name)
		return
	}
	if err := p.m.set(name, p.token(",").text); err != nil {
		p.problems = append(p.problems, err)
	}
}

// set gives a setting its value, as both the flag and the file spell it.
func (m *Mapping) set(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s is empty: give a value or leave it out", name)
	}
	var ok bool
	switch name {
	case "time":
		m.Time, ok = value, true
	case "zone":
		m.Zone, ok = value, true
	case "encoding":
		m.Encoding, ok = strings.ToLower(value), true
	case "decimal":
		m.DecimalComma, ok = value == "comma", value == "comma" || value == "point"
	case "header":
		m.NoHeader, ok = value == "no", value == "no" || value == "yes"
	case "kind":
		m.Kind, ok = value, value == KindCSV || value == KindJSON
	case "skip":
		n, err := strconv.Atoi(value)
		m.Skip, ok = n, err == nil && n >= 0
	case "quote":
		m.Quote, ok = named(value, quotes)
	case "separator":
		if m.Separator, ok = named(value, separators); !ok && len(value) == 1 {
			m.Separator, ok = value[0], true
		}
	}
	if !ok {
		return fmt.Errorf("%s=%s is not known: %s", name, value, choices[name])
	}
	return nil
}

var choices = map[string]string{
	"decimal":   "give comma or point",
	"header":    "give yes or no",
	"kind":      "give csv or jsonl",
	"quote":     "give double, single or none",
	"skip":      "give a number of lines",
	"separator": "give one character, comma, tab or space",
}

type naming struct {
	name string
	char byte
}

var (
	quotes     = []naming{{"double", '"'}, {"single", '\''}, {"none", NoQuote}}
	separators = []naming{{"comma", ','}, {"tab", '\t'}, {"space", ' '}}
)

func named(name string, in []naming) (byte, bool) {
	i := slices.IndexFunc(in, func(n naming) bool { return n.name == name })
	if i < 0 {
		return 0, false
	}
	return in[i].char, true
}

func nameOf(char byte, in []naming) string {
	i := slices.IndexFunc(in, func(n naming) bool { return n.char == char })
	if i < 0 {
		return string(char)
	}
	return in[i].name
}
