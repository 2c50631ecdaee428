package recount

import (
	"fmt"
	"maps"
	"math"
	"strconv"
)

// Tables give the rows of the views, each by a call of the function.
type Tables interface {
	Events(row func(Event)) error
	Rejected(row func(Rejected)) error
	Alerts(row func(Alert)) error
}

// shown is how many differences of one kind are described.
const shown = 5

// Compare says how the tables differ from the log: nothing, where all is right.
func (l *Log) Compare(t Tables) ([]string, error) {
	d := differences{texts: l.Faults, counts: make(map[string]int)}
	if err := l.compareEvents(t, &d); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if err := l.compareRejected(t, &d); err != nil {
		return nil, fmt.Errorf("read rejected_events: %w", err)
	}
	if err := l.compareAlerts(t, &d); err != nil {
		return nil, fmt.Errorf("read flash_sale_alerts: %w", err)
	}
	return d.all(), nil
}

func (l *Log) compareEvents(t Tables, d *differences) error {
	seen := make(map[identity]bool, len(l.events))
	err := t.Events(func(row Event) {
		want, logged := l.events[row.identity()]
		row.Price = plainPrice(row.Price)
		switch {
		case !logged:
			d.add("events without a record", "%+v", row)
		case seen[row.identity()]:
			d.add("events shown twice", "%+v", row)
		case row != want:
			d.add("events with other columns than the first copy", "%+v, on the log %+v", row, want)
		}
		seen[row.identity()] = true
	})
	for id, want := range l.events {
		if !seen[id] {
			d.add("events missing", "%+v", want)
		}
	}
	return err
}

// plainPrice writes a price as read does.
func plainPrice(text string) string {
	if price, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(price, 'f', -1, 64)
	}
	return text
}

func (l *Log) compareRejected(t Tables, d *differences) error {
	stored := make(map[Rejected]bool, len(l.invalid))
	err := t.Rejected(func(row Rejected) {
		if stored[row] {
			d.add("rejected records shown twice", "%+v", row)
		}
		stored[row] = true
	})
	d.sets("rejected records missing in the topic", "rejected records in the topic that are not invalid", l.invalid, l.rejected)
	d.sets("rejected records missing in the table", "rejected records in the table that are not invalid", l.invalid, stored)
	return err
}

func (l *Log) compareAlerts(t Tables, d *differences) error {
	stored := make(map[string]bool)
	windows := make(map[Window]bool)
	finals := l.Finals()
	err := t.Alerts(func(row Alert) {
		w := Window{row.Product, row.Start}
		want, closed := finals[w]
		switch {
		case stored[row.ID] || windows[w]:
			d.add("alerts shown twice", "%+v", row)
		case row != l.alerts[row.ID]:
			d.add("alerts that are not the latest version on the alerts topic", "%+v, in the topic %+v", row, l.alerts[row.ID])
		case !closed:
			d.add("alerts of windows that never qualified", "%+v", row)
		case !want.is(row):
			d.add("alerts that the log does not give", "%+v, the log gives %+v", row, want)
		}
		stored[row.ID], windows[w] = true, true
	})
	for w, want := range finals {
		if !windows[w] {
			d.add("alerts missing", "%s at %d: %+v", w.Product, w.Start, want)
		}
	}
	return err
}

func (f Final) is(a Alert) bool {
	status := "retracted"
	if f.Confirmed {
		status = "confirmed"
	}
	rate := 0.0
	if f.Views > 0 {
		rate = 100 * float64(f.Purchases) / float64(f.Views)
	}
	return a.Status == status && a.Views == f.Views && a.Purchases == f.Purchases && a.Version == f.Version &&
		a.Exact && math.Abs(a.ConversionRate-rate) < 0.0001
}

// differences are described, but not each one where there are many.
type differences struct {
	texts  []string
	counts map[string]int
}

func (d *differences) add(kind, format string, args ...any) {
	d.counts[kind]++
	if d.counts[kind] <= shown {
		d.texts = append(d.texts, kind+", such as: "+fmt.Sprintf(format, args...))
	}
}

func (d *differences) sets(missing, extra string, want, got map[Rejected]bool) {
	for r := range want {
		if !got[r] {
			d.add(missing, "%+v", r)
		}
	}
	for r := range got {
		if !want[r] {
			d.add(extra, "%+v", r)
		}
	}
}

func (d *differences) all() []string {
	for kind, n := range maps.All(d.counts) {
		if n > shown {
			d.texts = append(d.texts, fmt.Sprintf("%s: %d in all", kind, n))
		}
	}
	return d.texts
}
