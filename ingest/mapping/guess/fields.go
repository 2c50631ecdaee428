package guess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// maxTypes is how many texts a column of event types may hold.
const maxTypes = 100

// guessType looks for a column of event types: by its name if one of its texts is
// a known type, else by its texts, else by its name alone.
func (g *guessing) guessType() {
	if g.Has("event_type") {
		return
	}
	named := g.byName("event_type")
	for _, c := range named {
		if g.knownTypes(c) > 0 {
			g.assign("event_type", c)
			return
		}
	}
	best, most := -1, 60
	for _, c := range g.free() {
		if share := g.knownTypes(c); share > most && len(g.columns[c].count) > 1 {
			best, most = c, share
		}
	}
	if best >= 0 {
		g.assign("event_type", best)
		g.doubt("No column has a name for the type of an event; %s is taken for it, since it holds %s.", g.columns[best].String(), some(g.columns[best].common()))
		return
	}
	for _, c := range named {
		if n := len(g.columns[c].count); fit(g.columns[c].name, "event_type") >= innerName && n > 0 && n <= maxTypes {
			g.assign("event_type", c)
			return
		}
	}
}

// knownTypes is how many percent of a column's texts are words for event types.
func (g *guessing) knownTypes(column int) int {
	c := &g.columns[column]
	if len(c.count) > maxTypes || len(c.held) == 0 {
		return 0
	}
	n := 0
	for text, count := range c.count {
		_, known := typeOf(text)
		if _, given := g.Values["event_type"][text]; known || given {
			n += count
		}
	}
	return max(n*100/len(c.held), min(n, 1))
}

// common are a column's texts, the most frequent first.
func (c *sampled) common() []string {
	texts := slices.Sorted(maps.Keys(c.count))
	slices.SortStableFunc(texts, func(a, b string) int { return c.count[b] - c.count[a] })
	return texts
}

// some are the first texts, for a sentence.
func some(texts []string) string {
	const most = 5
	var shown []string
	for _, text := range texts[:min(len(texts), most)] {
		if len(text) > 40 {
			text = strings.ToValidUTF8(text[:40], "") + "…"
		}
		shown = append(shown, fmt.Sprintf("%q", text))
	}
	if len(texts) > most {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

// guessNamed gives the other fields the columns with their names, the best fit
// first, so that a column goes to the field whose name it has.
func (g *guessing) guessNamed() {
	type pair struct{ field, column, score int }
	var pairs []pair
	fields := mapping.Fields()
	for f, field := range fields {
		if g.Has(field) || field == "timestamp" || field == "event_type" {
			continue
		}
		for _, c := range g.byName(field) {
			score := fit(g.columns[c].name, field)
			if field == "source" && score < wholeName {
				continue // a source is mostly where visitors come from
			}
			pairs = append(pairs, pair{f, c, score})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return b.score - a.score })
	for _, p := range pairs {
		field := fields[p.field]
		if !g.used[p.column] && !g.Has(field) && g.holds(&g.columns[p.column], field, p.score) {
			g.assign(field, p.column)
		}
	}
	if c, ok := g.assigned["price"]; ok && slices.Contains([]string{"amount", "betrag", "importe", "montant", "value", "cost"}, fold(g.columns[c].name)) {
		g.doubt("The column %s is read as the price of one piece; if it is a whole line's or order's, it counts too much where the quantity is above 1.", g.columns[c].String())
	}
	if c, ok := g.assigned["source"]; ok && fold(g.columns[c].name) == "source" {
		g.doubt("The column %s is read as the shop that the events come from; if it says where visitors come from, give another one, as in source='shop'.", g.columns[c].String())
	}
}

// holds says whether a column's texts can be the field's. A column that is
// empty in the sample can, if its name fits well and no field depends on it.
func (g *guessing) holds(c *sampled, field string, score int) bool {
	if len(c.held) == 0 {
		return score >= wholeName && !slices.Contains([]string{"event_id", "user_id", "session_id", "product_id"}, field)
	}
	switch field {
	case "price":
		return share(c.held, func(s string) bool {
			_, point := mapping.ParsePrice(s, false)
			_, comma := mapping.ParsePrice(s, true)
			return point || comma
		}) >= enough
	case "quantity":
		return share(c.held, func(s string) bool { _, ok := mapping.ParseQuantity(s, g.DecimalComma); return ok }) >= enough
	case "event_id":
		return len(c.count) == len(c.held)
	case "currency":
		return share(c.held, func(s string) bool { return len(s) <= 8 }) >= enough
	case "user_id", "session_id", "product_id":
		return share(c.held, func(s string) bool { return len(s) <= 128 && s[0] != '{' && s[0] != '[' }) >= enough
	}
	return true
}

func share(texts []string, is func(string) bool) int {
	if len(texts) == 0 {
		return 0
	}
	n := 0
	for _, text := range texts {
		if is(text) {
			n++
		}
	}
	return n * 100 / len(texts)
}

// guessDecimal looks for commas that cannot separate thousands, and for points
// that cannot.
func (g *guessing) guessDecimal() {
	at, ok := g.assigned["price"]
	if !ok || g.DecimalComma {
		return
	}
	commas, points, open := 0, 0, 0
	for _, text := range g.columns[at].held {
		digits := strings.TrimFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		comma, point := strings.LastIndexByte(digits, ','), strings.LastIndexByte(digits, '.')
		last := max(comma, point)
		switch {
		case last < 0:
		case comma >= 0 && point >= 0, len(digits)-last != 4, strings.HasPrefix(digits, "0"):
			if comma > point {
				commas++
			} else {
				points++
			}
		case strings.Count(digits, digits[last:last+1]) == 1:
			open++
		}
	}
	g.DecimalComma = commas > points
	if commas == 0 && points == 0 && open > 0 {
		g.doubt("Whether %s is more than a thousand cannot be seen in the column %s: a comma in it is read as a separator of thousands and a point as a decimal point; if it is the other way round, give decimal=comma.",
			some(g.columns[at].held[:1]), g.columns[at].String())
	}
}

// absent are the words by which databases and spreadsheets write that there is
// nothing.
var absent = []string{"NULL", "null", `\N`, "NaN", "nan", "None", "N/A", "n/a", "#N/A", "NA", "undefined", "(not set)", "-"}

// guessAbsent maps the words for nothing to nothing.
func (g *guessing) guessAbsent() {
	for field, at := range g.assigned {
		for _, word := range g.columns[at].none {
			if _, given := g.Values[field][word]; !given && field != "timestamp" && field != "event_type" {
				g.setValue(field, word, "")
			}
		}
	}
}

// guessTypeValues maps the words for event types to them.
func (g *guessing) guessTypeValues() {
	at, ok := g.assigned["event_type"]
	if !ok {
		return
	}
	var unknown, impossible []string
	for _, text := range g.columns[at].common() {
		if _, given := g.Values["event_type"][text]; given || len(g.columns[at].count) > maxTypes {
			continue
		}
		eventType, known := typeOf(text)
		if eventType == event.TypePage && g.withProduct(at, text) >= 90 {
			eventType = event.TypeView
		}
		if !known {
			if eventType = snakeCase(text); eventType == "" {
				impossible = append(impossible, text)
				continue
			}
			unknown = append(unknown, text)
		}
		if eventType != text {
			g.setValue("event_type", text, eventType)
		}
	}
	column := g.columns[at].String()
	if len(impossible) > 0 {
		way := "say what they are, as in " + viewFor(impossible[0])
		if all := len(impossible) == len(g.columns[at].count); all {
			g.lacks = append(g.lacks, fmt.Sprintf("event_type: the column %s holds %s, which are no names of event types: %s.", column, some(impossible), way))
		} else {
			g.doubt("The column %s also holds %s, which are no names of event types, so these rows are rejected: %s.", column, some(impossible), way)
		}
	}
	if len(unknown) > 0 {
		g.doubt("The meaning of %s in the column %s is not known: such events are stored under that name and counted neither as views nor as purchases; if they are one of these, say so, as in %s.",
			some(unknown), column, viewFor(unknown[0]))
	}
}

// viewFor is the entry of a mapping by which a text becomes a view.
func viewFor(text string) string {
	return mapping.Mapping{Values: map[string]map[string]string{"event_type": {text: event.TypeView}}}.String()
}

// withProduct is how many percent of the rows with an event type have a product.
func (g *guessing) withProduct(typeColumn int, eventType string) int {
	product, ok := g.assigned["product_id"]
	if !ok {
		return 0
	}
	rows, with := 0, 0
	for i, text := range g.columns[typeColumn].texts {
		if text == eventType {
			rows++
			if g.columns[product].texts[i] != "" {
				with++
			}
		}
	}
	return with * 100 / max(rows, 1)
}

// missing says what nothing in the file could be taken for.
func (g *guessing) missing() {
	var unused []string
	for _, c := range g.free() {
		text := g.columns[c].String()
		if texts := g.columns[c].common(); len(texts) > 0 {
			text += " (" + some(texts[:min(2, len(texts))]) + ")"
		}
		unused = append(unused, text)
	}
	left := "; no column is left."
	if len(unused) > 0 {
		left = "; the columns left are " + strings.Join(unused, ", ") + "."
	}
	add := func(format string, args ...any) {
		g.lacks = append(g.lacks, fmt.Sprintf(format, args...)+left)
		left = "." // once is enough
	}
	if !g.Has("event_type") {
		every := event.TypeView
		if g.Has("order_id") || g.Has("quantity") {
			every = event.TypePurchase
		}
		add("event_type: no column holds words such as view and purchase: give event_type=COLUMN, or event_type='%s' if every row is one", every)
	}
	if !g.Has("timestamp") {
		add("timestamp: no column holds times that can be read: give timestamp=COLUMN and how its times are written, as in time='DD.MM.YYYY HH:mm' or time=unix_s")
	}
	if !g.Has("user_id") && !g.Has("session_id") {
		add("user_id: no column has a name for visitors or sessions: give user_id=COLUMN or session_id=COLUMN")
	}
	if !g.Has("product_id") && g.needProduct() {
		add("product_id: no column has a name for products: give product_id=COLUMN")
	}
}

// needProduct says whether there are events that have to have a product.
func (g *guessing) needProduct() bool {
	if constant, ok := g.Constants["event_type"]; ok {
		return event.NeedsProduct(constant)
	}
	at, ok := g.assigned["event_type"]
	if !ok {
		return true
	}
	for text := range g.columns[at].count {
		if to, mapped := g.Values["event_type"][text]; mapped {
			text = to
		}
		if event.NeedsProduct(text) {
			return true
		}
	}
	return false
}
