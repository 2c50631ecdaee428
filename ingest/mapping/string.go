package mapping

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String is a flag's value that Parse reads back to an equal mapping.
func (m Mapping) String() string {
	var entries []string
	if m.Auto {
		entries = append(entries, auto)
	}
	for _, field := range fields {
		if c, ok := m.Columns[field]; ok {
			entries = append(entries, field+"="+c.String())
		}
		if text, ok := m.Constants[field]; ok {
			entries = append(entries, field+"="+quoted(text, '\''))
		}
		prefix := field + ":"
		for _, from := range slices.Sorted(maps.Keys(m.Values[field])) {
			entries = append(entries, prefix+bare(from, '\'')+"="+bare(m.Values[field][from], '\''))
			prefix = ""
		}
	}
	if len(m.Drop) > 0 {
		entries = append(entries, drop+"="+m.Drop.String())
	}
	for _, s := range m.settings() {
		if strings.ContainsAny(s.value, `,'"`) || strings.Trim(s.value, " ") != s.value {
			s.value = quoted(s.value, '\'')
		}
		entries = append(entries, s.name+"="+s.value)
	}
	return strings.Join(entries, ",")
}

// String is the columns as in a flag.
func (c Columns) String() string {
	var names []string
	for _, column := range c {
		if column.Position > 0 {
			names = append(names, "#"+strconv.Itoa(column.Position))
		} else {
			names = append(names, bare(column.Name, '"'))
		}
	}
	return strings.Join(names, "+")
}

type setting struct{ name, value string }

// settings are those that are not the default.
func (m Mapping) settings() []setting {
	var all []setting
	add := func(differs bool, name, value string) {
		if differs {
			all = append(all, setting{name, value})
		}
	}
	add(m.Time != "", "time", m.Time)
	add(m.Zone != "", "zone", m.Zone)
	add(m.DecimalComma, "decimal", "comma")
	add(m.Kind != "", "kind", m.Kind)
	add(m.Separator != 0, "separator", nameOf(m.Separator, separators))
	add(m.Quote != 0, "quote", nameOf(m.Quote, quotes))
	add(m.Skip != 0, "skip", strconv.Itoa(m.Skip))
	add(m.NoHeader, "header", "no")
	add(m.Encoding != "", "encoding", m.Encoding)
	return all
}

// bare is text as it is where Parse takes that for one text, and quoted
// otherwise. A text that is one of the grammar's own names is quoted too.
func bare(text string, quote byte) string {
	own := text == auto || text == drop || slices.Contains(fields, text) || slices.Contains(settings, text)
	special := `,=+'"`
	if quote == '\'' {
		special += ":"
	}
	if text == "" || strings.Trim(text, " ") != text || text[0] == '#' || strings.ContainsAny(text, special) || own && quote == '\'' {
		return quoted(text, quote)
	}
	return text
}

func quoted(text string, quote byte) string {
	q := string(quote)
	return q + strings.ReplaceAll(text, q, q+q) + q
}
