package backtest

import (
	"time"

	"clickstream/internal/event"
)

// tally counts alerts, episodes and notices by day and rule.
type tally struct {
	zone     *time.Location
	from, to event.Millis
	rules    map[string]int // by definition
	names    []string
	notify   []bool
	lengths  []time.Duration // of windows

	days         map[string]*dayTally
	episodes     map[string]*episode // by id
	unremembered int64
	first, last  event.Millis // of the events in the span

	quarter event.Millis // the quarter of an hour of the last event
	today   *dayTally    // its day
}

// dayTally is a day of the zone.
type dayTally struct {
	events int64
	rules  []ruleTally
}

type ruleTally struct {
	alerts, retracted, episodes, notices int
	inexact                              bool
	products                             map[string]*Product
}

func newTally(cfg Config) *tally {
	t := &tally{
		zone: cfg.Zone, from: cfg.Span.from(), to: endless, rules: make(map[string]int),
		days: make(map[string]*dayTally), episodes: make(map[string]*episode), first: endless, last: -endless, quarter: -endless,
	}
	if cfg.Span.To != nil {
		t.to = event.MillisOf(*cfg.Span.To)
	}
	for _, set := range cfg.Sets {
		for i, r := range set.Rules() {
			t.rules[set.Definition(i)] = len(t.names)
			t.names = append(t.names, r.Name)
			t.notify = append(t.notify, r.Notify)
			t.lengths = append(t.lengths, r.Window)
		}
	}
	return t
}

// quarterHour divides every day of every time zone.
const quarterHour = event.Millis(15 * 60 * 1000)

// event counts an event.
func (t *tally) event(at event.Millis) {
	if at < t.from || at >= t.to {
		return
	}
	t.first, t.last = min(t.first, at), max(t.last, at)
	if quarter := at - at%quarterHour; quarter != t.quarter {
		t.quarter, t.today = quarter, t.day(at.Time())
	}
	t.today.events++
}

func (t *tally) day(at time.Time) *dayTally {
	name := at.In(t.zone).Format(time.DateOnly)
	d := t.days[name]
	if d == nil {
		d = &dayTally{rules: make([]ruleTally, len(t.names))}
		t.days[name] = d
	}
	return d
}

// alert counts the last version of an alert. Those of one rule and product come
// in the order of their windows.
func (t *tally) alert(a event.Alert) {
	rule, start := t.rules[a.Rule], event.MillisOf(a.WindowStart)
	// Windows that begin less than their length before the span are whole too.
	if start < t.from-event.Millis(t.lengths[rule].Milliseconds()) || start >= t.to {
		return
	}
	began := t.episode(rule, a, start >= t.from)
	if start < t.from {
		return
	}
	of := &t.day(a.WindowStart).rules[rule]
	of.alerts++
	if a.Status == event.Retracted {
		of.retracted++
	}
	of.inexact = of.inexact || !a.Exact
	if of.products == nil {
		of.products = make(map[string]*Product)
	}
	p := of.products[a.ProductID]
	if p == nil {
		p = &Product{ProductID: a.ProductID}
		of.products[a.ProductID] = p
	}
	p.Alerts++
	if began {
		p.Episodes++
	}
	if a.Views > p.Views || p.Alerts == 1 {
		p.Views, p.Purchases = a.Views, a.Purchases
	}
}

// add adds the tally of another partition.
func (t *tally) add(other *tally) {
	t.first, t.last = min(t.first, other.first), max(t.last, other.last)
	t.unremembered += other.unremembered
	for name, d := range other.days {
		mine := t.days[name]
		if mine == nil {
			t.days[name] = d
			continue
		}
		mine.events += d.events
		for i := range d.rules {
			mine.rules[i].add(&d.rules[i])
		}
	}
}

// add adds what another partition or day has of the rule.
func (r *ruleTally) add(other *ruleTally) {
	r.alerts += other.alerts
	r.retracted += other.retracted
	r.episodes += other.episodes
	r.notices += other.notices
	r.inexact = r.inexact || other.inexact
	if r.products == nil {
		r.products = make(map[string]*Product, len(other.products))
	}
	for id, p := range other.products {
		mine := r.products[id]
		if mine == nil {
			r.products[id] = new(*p)
			continue
		}
		mine.Alerts += p.Alerts
		mine.Episodes += p.Episodes
		if p.Views > mine.Views {
			mine.Views, mine.Purchases = p.Views, p.Purchases
		}
	}
}
