package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"clickstream/internal/columns"
	"clickstream/processor/backtest"
)

// sweptResult is a Result by the values of a sweep.
type sweptResult struct {
	Name         string       `json:"sweep"`
	Source       string       `json:"source"`
	Events       int64        `json:"events"`
	Days         int          `json:"days"` // with events
	First        *time.Time   `json:"first_event,omitempty"`
	Last         *time.Time   `json:"last_event,omitempty"`
	Cut          bool         `json:"cut"`
	Unremembered int64        `json:"unremembered"`
	Exact        bool         `json:"exact"`
	Values       []sweptValue `json:"values"`
}

// sweptValue is what the rule raised with one value.
type sweptValue struct {
	Value     float64 `json:"value"`
	Condition string  `json:"when"`
	Alerts    int     `json:"alerts"`
	Retracted int     `json:"retracted"`
	Episodes  int     `json:"episodes"`
	Notices   int     `json:"notices"`
	// NoticesADay is the mean over the days with events, and MostNotices those of the day that has
	// the most.
	NoticesADay float64 `json:"notices_a_day"`
	MostNotices int     `json:"most_notices"`
	Exact       bool    `json:"exact"`
}

func (b *backtested) sweep() sweptResult {
	r := sweptResult{
		Name: b.swept.Name, Source: b.Source, Events: b.Events, First: b.First, Last: b.Last,
		Cut: b.Cut, Unremembered: b.Unremembered, Exact: b.Exact,
	}
	for _, d := range b.Days { // windows may begin on the day before the first event
		if d.Events > 0 {
			r.Days++
		}
	}
	var conditions []string
	for _, set := range b.sets {
		for _, rule := range set.Rules() {
			conditions = append(conditions, rule.When)
		}
	}
	for i, value := range b.swept.Values {
		sum := b.Rules[i]
		v := sweptValue{
			Value: value, Condition: conditions[i], Alerts: sum.Alerts, Retracted: sum.Retracted, Episodes: sum.Episodes, Notices: sum.Notices,
			NoticesADay: float64(sum.Notices) / float64(r.Days), Exact: sum.Exact,
		}
		for _, d := range b.Days {
			v.MostNotices = max(v.MostNotices, d.Rules[i].Notices)
		}
		r.Values = append(r.Values, v)
	}
	return r
}

// sourceNames are the sources in sentences.
var sourceNames = map[string]string{"log": "the event log", "table": "the table event_log"}

func (b *backtested) print(t *terminal) {
	wrapped(t.out, 0, fmt.Sprintf("%s from %s to %s, read from %s. Days are of the zone %s.", plural(uint64(b.Events), "event"),
		b.First.In(b.zone).Format("2006-01-02 15:04"), b.Last.In(b.zone).Format("2006-01-02 15:04"), sourceNames[b.Source], b.zone))
	if b.Cut {
		wrapped(t.out, 0, "The log has been cut within this time and the table has no events of it: windows that may have lost events are left out.")
	}
	if b.Unremembered > 0 {
		wrapped(t.out, 0, fmt.Sprintf("Not exact: %s came with more ids or products than the processor remembers. Alerts may be missing.", plural(uint64(b.Unremembered), "event")))
	}
	fmt.Fprintln(t.out)
	if b.swept != nil {
		b.printSwept(t)
		return
	}
	b.printDays(t)
}

// shownBusiest is how many products a line names.
const shownBusiest = 3

func (b *backtested) printDays(t *terminal) {
	table := columns.Table{Columns: []columns.Column{
		{Heading: "DAY"}, {Heading: "RULE"}, {Heading: "ALERTS", Number: true}, {Heading: "RETRACTED", Number: true},
		{Heading: "EPISODES", Number: true}, {Heading: "NOTICES", Number: true}, {Heading: "BUSIEST PRODUCTS (MOST VIEWS IN A WINDOW)"},
	}}
	add := func(day string, counts []backtest.Count) {
		for _, c := range counts {
			var products []string
			for _, p := range c.Busiest[:min(shownBusiest, len(c.Busiest))] {
				products = append(products, fmt.Sprintf("%s (%s)", columns.ClipMiddle(printable(p.ProductID), 24), count(p.Views)))
			}
			alerts := count(c.Alerts)
			if !c.Exact {
				alerts = "~" + alerts
			}
			table.Rows = append(table.Rows, []string{
				day, printable(c.Rule), alerts, count(c.Retracted), count(c.Episodes), count(c.Notices), strings.Join(products, ", "),
			})
		}
	}
	for _, d := range b.Days {
		add(d.Day, d.Rules)
	}
	if len(b.Days) > 1 {
		add("all days", b.Rules)
	}
	_ = table.Print(t.out)
	fmt.Fprintln(t.out)
	wrapped(t.out, 0, "An alert is a window; windows that start at most a window's length apart are one episode. People get a notice when an episode begins and one when it ends.")
}

func (b *backtested) printSwept(t *terminal) {
	r := b.sweep()
	table := columns.Table{Columns: []columns.Column{
		{Heading: strings.ToUpper(printable(r.Name)), Number: true}, {Heading: "ALERTS", Number: true}, {Heading: "EPISODES", Number: true}, {Heading: "NOTICES", Number: true},
		{Heading: "PER DAY", Number: true}, {Heading: "MOST IN A DAY", Number: true}, {Heading: "CONDITION"},
	}}
	for _, v := range r.Values {
		alerts := count(v.Alerts)
		if !v.Exact {
			alerts = "~" + alerts
		}
		table.Rows = append(table.Rows, []string{
			strconv.FormatFloat(v.Value, 'f', -1, 64), alerts, count(v.Episodes), count(v.Notices), strconv.FormatFloat(v.NoticesADay, 'f', 1, 64), count(v.MostNotices), printable(v.Condition),
		})
	}
	_ = table.Print(t.out)
	if r.Days > 1 {
		fmt.Fprintf(t.out, "\nOver %s with events.\n", plural(uint64(r.Days), "day"))
	}
}
