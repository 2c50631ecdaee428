// Package guess finds out from a file's first rows how its columns become
// events. The names of columns and the words for event types that it looks for
// are lists, names.txt and types.txt.
package guess

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clickstream/ingest/mapping"
)

// SampleRows is how many rows a guess looks at.
const SampleRows = 1000

// Sample is the beginning of a file, split into texts.
type Sample struct {
	Given mapping.Mapping // what is known already, the file's shape included; it is not guessed again
	Names []string        // of the columns; nil: the first row may be a header
	Rows  [][]string      // each as long as the first
}

// Guess is what a file's beginning looks like.
type Guess struct {
	Mapping mapping.Mapping
	Columns []string // the names of all columns, #3 for the third where it has none
	Doubts  []string // what a person should look at, in sentences
	Missing []string // what has to be given before the mapping can be used, and how
}

// From guesses what the sample's mapping leaves open. The rows decide
// wherever a column's name leaves a doubt.
func From(s Sample) Guess {
	g := guessing{Mapping: clone(s.Given), commas: s.Given.Separator == ',', assigned: make(map[string]int)}
	g.Auto = false
	g.readColumns(s)
	g.takeGiven()
	g.guessTimestamp()
	g.guessType()
	g.guessNamed()
	g.guessDropped()
	g.guessDecimal()
	g.guessAbsent()
	g.guessTypeValues()
	g.missing()
	if err := g.Check(); err != nil && len(g.lacks) == 0 {
		g.lacks = append(g.lacks, err.Error())
	}
	var names []string
	for _, c := range g.columns {
		names = append(names, c.String())
	}
	return Guess{Mapping: g.Mapping, Columns: names, Doubts: g.doubts, Missing: g.lacks}
}

type guessing struct {
	mapping.Mapping
	commas   bool
	columns  []sampled
	assigned map[string]int // by the event's field: its column
	used     []bool
	doubts   []string
	lacks    []string
}

// sampled is a column of the sample.
type sampled struct {
	mapping.Column
	name  string // in the header; empty without one
	texts []string
	held  []string       // the texts that say something
	count map[string]int // of each text that says something
	none  []string       // words for nothing that the column holds
}

func (c *sampled) String() string { return mapping.Columns{c.Column}.String() }

func (g *guessing) doubt(format string, args ...any) {
	g.doubts = append(g.doubts, fmt.Sprintf(format, args...))
}

func clone(m mapping.Mapping) mapping.Mapping {
	m.Columns, m.Constants, m.Values = maps.Clone(m.Columns), maps.Clone(m.Constants), maps.Clone(m.Values)
	for field := range m.Values {
		m.Values[field] = maps.Clone(m.Values[field])
	}
	return m
}

// set sets an entry of a map that may be nil.
func set[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = value
}

// setValue says what a text of a field's column becomes.
func (g *guessing) setValue(field, from, to string) {
	if g.Values[field] == nil {
		set(&g.Values, field, make(map[string]string))
	}
	g.Values[field][from] = to
}

func (g *guessing) readColumns(s Sample) {
	rows, names := s.Rows, s.Names
	if names == nil && len(rows) > 0 {
		if !g.NoHeader && g.looksLikeHeader(rows) {
			names, rows = rows[0], rows[1:]
		} else {
			if !g.NoHeader {
				g.doubt("The first row looks like an event, so the file is read as one without a header.")
			}
			g.NoHeader = true
			names = make([]string, len(rows[0]))
		}
	}
	for i, name := range names {
		if g.Kind != mapping.KindJSON {
			name = strings.TrimSpace(name)
		}
		c := sampled{Column: mapping.Column{Name: name}, count: make(map[string]int)}
		c.name = c.Name
		taken := slices.ContainsFunc(g.columns, func(other sampled) bool { return other.Column == c.Column })
		if (c.Name == "" || taken) && g.Kind != mapping.KindJSON {
			c.Column = mapping.Column{Position: i + 1}
		}
		for _, row := range rows {
			text := strings.TrimSpace(row[i])
			c.texts = append(c.texts, text)
			switch {
			case text == "" || slices.Contains(c.none, text):
			case slices.Contains(absent, text):
				c.none = append(c.none, text)
			default:
				c.held = append(c.held, text)
				c.count[text]++
			}
		}
		g.columns = append(g.columns, c)
	}
	g.used = make([]bool, len(g.columns))
}

// looksLikeHeader says whether the first row holds names: it does if a column
// was given by its name; it does not if it holds a number, a time or a text that its
// column holds again.
func (g *guessing) looksLikeHeader(rows [][]string) bool {
	byName := func(c mapping.Column) bool { return c.Position == 0 }
	for _, columns := range g.Columns {
		if slices.ContainsFunc(columns, byName) {
			return true
		}
	}
	if slices.ContainsFunc(g.Drop, byName) {
		return true
	}
	names, known := Header(rows, g.commas)
	return names && (known || len(rows) > 1)
}

// Header says whether the first row may hold the columns' names, and whether one
// of them is known. commas says that the file's separator is a comma.
func Header(rows [][]string, commas bool) (names, known bool) {
	for i, text := range rows[0] {
		text = strings.TrimSpace(text)
		if _, err := strconv.ParseFloat(text, 64); err == nil || guessTime([]string{text}, commas).format != "" || timeOfDay([]string{text}) != "" {
			return false, false
		}
		for field := range namesOf {
			known = known || fit(text, field) >= wholeName
		}
		if slices.ContainsFunc(rows[1:], func(row []string) bool { return strings.TrimSpace(row[i]) == text && text != "" }) {
			return false, false
		}
	}
	return true, known
}

// takeGiven marks the columns that are mapped or dropped already.
func (g *guessing) takeGiven() {
	for i := range g.columns {
		is := g.isColumn(i)
		for field, columns := range g.Columns {
			if slices.ContainsFunc(columns, is) {
				g.used[i] = true
				g.assigned[field] = i
			}
		}
		g.used[i] = g.used[i] || slices.ContainsFunc(g.Drop, is)
	}
}

// isColumn says whether a mapping's column is the sample's at that place.
func (g *guessing) isColumn(at int) func(mapping.Column) bool {
	return func(c mapping.Column) bool {
		return c.Position == at+1 || c == g.columns[at].Column
	}
}

func (g *guessing) assign(field string, column int) {
	set(&g.Columns, field, mapping.Columns{g.columns[column].Column})
	g.assigned[field] = column
	g.used[column] = true
}

// byName are the free columns whose names fit a field, the best first.
func (g *guessing) byName(field string) []int {
	var found []int
	score := make(map[int]int)
	for i := range g.columns {
		if score[i] = fit(g.columns[i].name, field); score[i] > noName && !g.used[i] {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int { return score[b] - score[a] })
	return found
}

// free are the columns that no field has.
func (g *guessing) free() []int {
	var free []int
	for i := range g.columns {
		if !g.used[i] {
			free = append(free, i)
		}
	}
	return free
}

// guessTimestamp looks at the columns with a time's name first, and at all
// others if none of them holds times.
func (g *guessing) guessTimestamp() {
	if g.Has("timestamp") {
		g.formatOfGiven()
		return
	}
	named := g.byName("timestamp")
	date := -1
	var dateFormat guessedTime
	for i, c := range append(named, g.free()...) {
		t := g.timeOf(g.columns[c].held)
		byText := i >= len(named)
		switch {
		case t.format == "", byText && strings.HasPrefix(t.format, "unix_") && !recent(g.columns[c].held, t.format):
		case t.dateOnly:
			if date < 0 {
				date, dateFormat = c, t
			}
		default:
			g.assign("timestamp", c)
			g.useTime(t)
			if byText {
				g.doubt("No column has a name for the time of an event; %s is taken for it, since it holds times.", g.columns[c].String())
			}
			return
		}
	}
	if date < 0 {
		return
	}
	g.assign("timestamp", date)
	for _, c := range append(g.byName("timestamp"), g.free()...) {
		if layout := timeOfDay(g.columns[c].held); layout != "" {
			g.Columns["timestamp"] = append(g.Columns["timestamp"], g.columns[c].Column)
			g.used[c] = true
			dateFormat.format += " " + layout
			if dateFormat.other != "" {
				dateFormat.other += " " + layout
			}
			// RFC 3339 with a space is what it is read as without a format.
			if dateFormat.format == "YYYY-MM-DD HH:mm:ss" {
				dateFormat.format = mapping.RFC3339
			}
			g.useTime(dateFormat)
			return
		}
	}
	g.useTime(dateFormat)
	g.doubt("The column %s holds days without a time of day, so every event is at midnight, and flash sales cannot be found.", g.columns[date].String())
}

// formatOfGiven finds the format of the columns that were given without one.
func (g *guessing) formatOfGiven() {
	var texts []string
	for _, column := range g.Columns["timestamp"] {
		for i := range g.columns {
			c := &g.columns[i]
			switch {
			case !g.isColumn(i)(column):
			case texts == nil:
				texts = slices.Clone(c.texts)
			default:
				for row, text := range c.texts {
					texts[row] += " " + text
				}
			}
		}
	}
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	if t := g.timeOf(texts); t.format != "" {
		g.useTime(t)
	}
}

// timeOf is the format of a column's times: the given one if it fits them.
func (g *guessing) timeOf(texts []string) guessedTime {
	if g.Time == "" {
		return guessTime(texts, g.commas)
	}
	times, err := g.Times()
	if err != nil || len(texts) == 0 || !fits(texts, g.Time, times) {
		return guessedTime{}
	}
	return guessedTime{format: g.Time}
}

// recent says whether Unix times lie between 2005 and 2040: numbers that do are
// hardly ever anything else.
func recent(texts []string, format string) bool {
	times, _ := mapping.Mapping{Time: format}.Times()
	for _, text := range texts {
		if at, ok := times.Parse(text); !ok || at < 1104537600000 || at > 2208988800000 {
			return false
		}
	}
	return true
}

func (g *guessing) useTime(t guessedTime) {
	if g.Time == "" && t.format != mapping.RFC3339 {
		g.Time = t.format
	}
	if t.other != "" {
		g.doubt("Day and month cannot be told apart in the column %s: it is read as %s; if it is the other way round, give time='%s'.", g.Columns["timestamp"], t.format, t.other)
	}
	if t.zoneless && g.Zone == "" {
		g.doubt("The times name no zone and are read as UTC; if they are a shop's local times, give its zone, as in zone=Europe/Berlin.")
	}
}
