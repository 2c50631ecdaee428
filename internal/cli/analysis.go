package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"clickstream/internal/columns"
	"clickstream/internal/event"
)

// flashSale is an episode: the confirmed windows of it.
type flashSale struct {
	product   string
	from, to  time.Time
	windows   int
	views     uint64 // of the window that has the most
	purchases uint64 // of that window
}

// flashSales puts the alerts of each episode, which are in the order of their
// windows, together. The one with the most views comes first.
func flashSales(alerts []foundAlert) []flashSale {
	var all []flashSale
	place := make(map[string]int) // of an episode in all
	for _, a := range alerts {
		i, ok := place[a.EpisodeID]
		if !ok {
			i = len(all)
			all = append(all, flashSale{product: a.ProductID, from: a.WindowStart})
			place[a.EpisodeID] = i
		}
		f := &all[i]
		f.to = a.WindowEnd
		if f.windows++; f.windows == 1 || a.Views > f.views {
			f.views, f.purchases = a.Views, a.Purchases
		}
	}
	slices.SortStableFunc(all, func(a, b flashSale) int {
		return cmp.Or(cmp.Compare(b.views, a.views), a.from.Compare(b.from), cmp.Compare(a.product, b.product))
	})
	return all
}

// shownSales is how many flash sales are printed.
const shownSales = 20

// print is the analysis for people: flash sales first, then the days, then what
// was assumed and where to look next.
func (a *analysis) print(w io.Writer) error {
	if err := a.printSales(w); err != nil {
		return err
	}
	for _, day := range a.Days {
		fmt.Fprintln(w)
		if err := day.Text(w); err != nil {
			return err
		}
	}
	e := a.Events
	fmt.Fprintln(w)
	wrapped(w, 0, fmt.Sprintf("%s rows read: %s accepted (%s duplicates, %s late, %s future), %s rejected",
		count(e.Read), count(e.Accepted), count(e.Duplicates), count(e.Late), count(e.Future), count(e.Rejected)))
	sorted(w, a.imported)
	printRejections(w, a.imported.Rejections)
	if e.Late > 0 {
		wrapped(w, 0, "Late events came after their windows had closed: they are in the reports, not in the alerts. --lateness waits longer.")
	}
	if e.Unremembered > 0 {
		wrapped(w, 0, fmt.Sprintf("%s events came with more ids or products than are remembered: alerts of their windows may be missing or not exact.", count(e.Unremembered)))
	}
	fmt.Fprintf(w, "Stored: %s, %s, %s; %.1f s\n", plural(a.EventLogRows, "event"), plural(uint64(len(a.Alerts)), "alert"), plural(uint64(len(a.Days)), "day"), a.ElapsedSeconds)
	a.printAssumptions(w)
	return nil
}

// plural is a number of things.
func plural(n uint64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return count(n) + " " + thing
}

func (a *analysis) printSales(w io.Writer) error {
	for i, rule := range a.set.Rules() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		definition := a.set.Definition(i)
		of := slices.DeleteFunc(slices.Clone(a.Alerts), func(f foundAlert) bool { return f.Rule != definition })
		if sale, err := event.ParseRule(definition); err == nil {
			wrapped(w, 0, fmt.Sprintf("Flash sales: more than %d views and fewer than %d purchases within %s",
				sale.ViewsOver, sale.PurchasesUnder, event.ShortDuration(sale.Window)))
		} else {
			wrapped(w, 0, fmt.Sprintf("%s: %s within %s", printable(rule.Name), printable(rule.When), event.ShortDuration(rule.Window)))
		}
		if err := a.printSalesOf(w, flashSales(of)); err != nil {
			return err
		}
	}
	return nil
}

func (a *analysis) printSalesOf(w io.Writer, sales []flashSale) error {
	if len(sales) == 0 {
		fmt.Fprintln(w, "  none; lower thresholds may find some (--rules, or --views-over and --purchases-under)")
		return nil
	}
	t := columns.Table{Columns: []columns.Column{
		{Heading: "PRODUCT"}, {Heading: "FROM"}, {Heading: "TO"},
		{Heading: "WINDOWS", Number: true}, {Heading: "MOST VIEWS", Number: true}, {Heading: "PURCHASES", Number: true},
	}}
	for _, s := range sales[:min(len(sales), shownSales)] {
		t.Rows = append(t.Rows, []string{
			columns.ClipMiddle(printable(s.product), 16), s.from.In(a.zone).Format("2006-01-02 15:04"), s.to.In(a.zone).Format("01-02 15:04"),
			count(s.windows), count(s.views), count(s.purchases),
		})
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if more := len(sales) - shownSales; more > 0 {
		fmt.Fprintf(w, "and %s more; --output json lists every window\n", count(more))
	}
	return nil
}

func (a *analysis) printAssumptions(w io.Writer) {
	fmt.Fprintln(w)
	wrapped(w, 0, fmt.Sprintf("Assumed: days and times are of the zone %s (--timezone); prices are of one currency and are added up as they are; "+
		"an event arrives at most %s late (--lateness); times without a zone are UTC.", a.zone, event.ShortDuration(a.set.Lateness())))
	wrapped(w, 0, fmt.Sprintf("Next: keep the data with --data-dir DIR, then ask it: %s sql --data-dir DIR \"SELECT * FROM events LIMIT 10\"; "+
		"or run the pipeline on it, with charts: %s serve --data-dir DIR", self(), self()))
}
