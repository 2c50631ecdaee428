package backtest

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Result is what rule sets would have raised.
type Result struct {
	Source string `json:"source"` // that of the Config
	// Events are those in the span, later copies included. Days are those of the zone
	// on which there are events or windows that qualified, in their order.
	Events int64      `json:"events"`
	First  *time.Time `json:"first_event,omitempty"`
	Last   *time.Time `json:"last_event,omitempty"`
	// Cut says that the source begins after the span does: windows that may have lost
	// events are not judged.
	Cut bool `json:"cut"`
	// Unremembered are events for which there was no room, as the processor would have
	// had none. Exact says that there was none.
	Unremembered int64   `json:"unremembered"`
	Exact        bool    `json:"exact"`
	Rules        []Count `json:"rules"` // over all days, in the order of sets and rules
	Days         []Day   `json:"days"`
}

// Day is one day.
type Day struct {
	Day    string  `json:"day"`
	Events int64   `json:"events"`
	Rules  []Count `json:"rules"` // in the order of the Result's
}

// Count is what one rule raised on a day, or on all.
type Count struct {
	Rule string `json:"rule"`
	// Alerts are windows that begin on the day and qualified at some time, and Retracted
	// those of them that no longer did in the end.
	Alerts    int `json:"alerts"`
	Retracted int `json:"retracted"`
	// Episodes are those that begin on the day.
	Episodes int `json:"episodes"`
	// Notices are those that people get of these episodes: of the begin of each, and of
	// its end, if the rule notifies.
	Notices int  `json:"notices"`
	Exact   bool `json:"exact"`
	// Busiest are the products with alerts that had the most views in a window.
	Busiest []Product `json:"busiest"`
}

// Product is what a rule raised for a product.
type Product struct {
	ProductID string `json:"product_id"`
	Views     int    `json:"views"` // of the window that has the most
	Purchases int    `json:"purchases"`
	Alerts    int    `json:"alerts"`
	Episodes  int    `json:"episodes"`
}

// busiest is how many products are named.
const busiest = 5

func (t *tally) result(cfg Config) Result {
	r := Result{Source: cfg.Source.Name, Cut: cfg.Source.Cut, Unremembered: t.unremembered, Exact: t.unremembered == 0, Days: []Day{}}
	if t.first <= t.last {
		first, last := t.first.Time(), t.last.Time()
		r.First, r.Last = &first, &last
	}
	sums := make([]ruleTally, len(t.names))
	for _, name := range slices.Sorted(maps.Keys(t.days)) {
		d := t.days[name]
		r.Events += d.events
		r.Days = append(r.Days, Day{Day: name, Events: d.events, Rules: t.counts(d.rules)})
		for i := range sums {
			sums[i].add(&d.rules[i])
		}
	}
	r.Rules = t.counts(sums)
	return r
}

func (t *tally) counts(rules []ruleTally) []Count {
	counts := make([]Count, len(rules))
	for i := range rules {
		r := &rules[i]
		counts[i] = Count{
			Rule: t.names[i], Alerts: r.alerts, Retracted: r.retracted, Episodes: r.episodes, Notices: r.notices, Exact: !r.inexact, Busiest: []Product{},
		}
		for _, p := range r.products {
			counts[i].Busiest = append(counts[i].Busiest, *p)
		}
		slices.SortFunc(counts[i].Busiest, func(a, b Product) int {
			return cmp.Or(cmp.Compare(b.Views, a.Views), cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.ProductID, b.ProductID))
		})
		counts[i].Busiest = counts[i].Busiest[:min(busiest, len(counts[i].Busiest))]
	}
	return counts
}
