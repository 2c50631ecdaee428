package console

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"unicode/utf16"
)

// A Chart is one of a dashboard's. Its SQL gives a first column t, in Unix
// seconds, and a line for each further column. It may use the parameters of
// the dashboard, which the page shows as fields to change: {seconds:UInt32}
// for how far to look back and {rounding:UInt32} for the width of a point.
type Chart struct {
	Title string
	SQL   string
}

// PlayURL is the address of the page for queries.
func (c *Console) PlayURL() string {
	return c.origin + "/" + c.token + "/play?" + url.Values{"url": {c.root()}}.Encode()
}

// DashboardURL is the address of a page with these charts. Parameters that are
// not given are seconds = 900, the last quarter of an hour, and rounding = 10.
func (c *Console) DashboardURL(charts []Chart, parameters map[string]string) string {
	type query struct {
		Title string `json:"title"`
		Query string `json:"query"`
	}
	state := struct {
		Host       string            `json:"host"`
		User       string            `json:"user"`
		Queries    []query           `json:"queries"`
		Parameters map[string]string `json:"params"`
	}{Host: c.root(), Queries: []query{}, Parameters: map[string]string{"seconds": "900", "rounding": "10"}}
	for _, chart := range charts {
		state.Queries = append(state.Queries, query{chart.Title, chart.SQL})
	}
	maps.Copy(state.Parameters, parameters)
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // strings alone always marshal
	}
	return c.origin + "/" + c.token + "/dashboard#" + base64.StdEncoding.EncodeToString([]byte(ascii(string(text))))
}

// Shorten returns a short address, which ends in word and redirects to a long
// address of this console. (A dashboard's own holds all of its charts.) It must
// be called before Run.
func (c *Console) Shorten(word, long string) string {
	c.short[word] = long
	return c.root() + word
}

// root is where the pages send their queries.
func (c *Console) root() string { return c.origin + "/" + c.token + "/" }

// ascii writes JSON without a byte above 127: the page takes each byte that it
// decodes for a character.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 128 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
