package jobs

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"clickstream/internal/event"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was (go test -update writes it again):\n got:\n%s\nwant:\n%s", file, got, want)
	}
}

// shopDays fills three days: the first two with a shop's traffic, the third
// with a search and nothing else.
func shopDays(t *testing.T) (*testLog, []Day) {
	t.Helper()
	loc := location(t, "Europe/Berlin")
	l := newTestLog(newRunner(t, loc))
	days := DaysBetween(NewDay(2026, time.October, 24), NewDay(2026, time.October, 26))
	n := 0
	visit := func(day Day, category, product string, views, carts, purchases int) {
		from, _ := day.Bounds(loc)
		var events []event.Event
		for kind, count := range map[string]int{event.TypeView: views, event.TypeAddToCart: carts, event.TypePurchase: purchases} {
			for i := range count {
				events = append(events, event.Event{
					Type: kind, UserID: fmt.Sprint("u", i%150), ProductID: product, ProductCategory: category,
					Timestamp: event.MillisOf(from) + event.Millis(n+i), Price: 199_900, HasPrice: true, Quantity: 2,
				})
			}
		}
		n += 1000
		l.add(t, events...)
	}
	visit(days[0], "shoes", "boot", 200, 20, 10) // 5%
	visit(days[0], "books", "novel", 300, 9, 3)  // 1%
	visit(days[0], "toys", "kite", 10, 5, 5)     // 50% of too few
	visit(days[1], "shoes", "boot", 400, 30, 10) // 2.5%
	visit(days[1], "books", "novel", 300, 12, 6) // 2%
	visit(days[1], "", "line\nbreak", 1200, 0, 0)
	visit(days[1], "garden", "rake", 0, 2, 0)
	from, _ := days[1].Bounds(loc)
	l.add(t, event.Event{Type: event.TypeRefund, UserID: "u1", ProductID: "boot", Timestamp: event.MillisOf(from), Price: 199_900, HasPrice: true},
		event.Event{Type: event.TypeSearch, UserID: "searcher", Timestamp: event.MillisOf(from)},
		event.Event{Type: event.TypeSearch, SessionID: "no user", Timestamp: event.MillisOf(from)})
	from, _ = days[2].Bounds(loc)
	l.add(t, event.Event{Type: event.TypeSearch, SessionID: "no user", Timestamp: event.MillisOf(from)})
	return l, days
}

func TestReportOfADay(t *testing.T) {
	t.Parallel()
	l, days := shopDays(t)
	l.runAll(t, days...)
	l.runInVain(t, TopProducts, days[2]+1)
	for _, c := range []struct {
		name string
		day  Day
	}{{"day", days[1]}, {"quiet_day", days[2]}, {"day_without_runs", days[2] + 1}} {
		report, err := l.r.Report(t.Context(), c.day)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := report.Text(&text); err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".txt", text.Bytes())
		j, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name+".json", append(j, '\n'))
		if noise := regexp.MustCompile(`\d\.\d{5}\d*`).Find(j); noise != nil {
			t.Errorf("%s.json has the number %s, which has more than four places", c.name, noise)
		}
	}
}

func TestComparisonsWithOtherDays(t *testing.T) {
	t.Parallel()
	l, days := shopDays(t)
	compare := func() (got []string) {
		for _, q := range []string{
			`SELECT concatWithSeparator(' ', day, category, ifNull(toString(change_to_day_before), '-'), ifNull(toString(change_to_7_day_mean), '-'), is_best, is_worst)
			 FROM conversion_rates_compared ORDER BY day, category`,
			`SELECT concatWithSeparator(' ', day, replaceAll(product_id, '\n', '_'), rank, ifNull(toString(previous_rank), '-'), ifNull(toString(rank_change), '-'))
			 FROM top_products_compared ORDER BY day, rank`,
			`SELECT concatWithSeparator(' ', day, user_id, is_new, buyer_kind) FROM user_segmentation_compared WHERE user_id IN ('u1', 'u8', 'searcher') ORDER BY day, user_id`,
		} {
			got = append(got, read(t, l.r, q)...)
		}
		return got
	}
	want := []string{
		"2026-10-24 books - - 0 1",
		"2026-10-24 shoes - - 1 0",
		"2026-10-24 toys - - 0 0",
		"2026-10-25 books 1 1 0 1",
		"2026-10-25 garden - - 0 0",
		"2026-10-25 shoes -2.5 -2.5 1 0",
		"2026-10-25 unknown - - 0 0",
		"2026-10-24 novel 1 - -",
		"2026-10-24 boot 2 - -",
		"2026-10-24 kite 3 - -",
		"2026-10-25 line_break 1 - -",
		"2026-10-25 boot 2 2 0",
		"2026-10-25 novel 3 1 -2",
		"2026-10-24 u1 1 first_time",
		"2026-10-24 u8 1 first_time",
		"2026-10-25 searcher 1 ",
		"2026-10-25 u1 0 repeat",
		"2026-10-25 u8 0 repeat",
	}
	l.runAll(t, days...)
	if got := compare(); !slices.Equal(got, want) {
		t.Errorf("comparisons:\n got %q\nwant %q", got, want)
	}

	// A day in between that was run later is not forgotten by the ones after.
	if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), "TRUNCATE TABLE conversion_rate_daily"); err != nil {
		t.Fatal(err)
	}
	for _, day := range []Day{days[1], days[0]} {
		l.run(t, ConversionRates, day)
	}
	if got := compare(); !slices.Equal(got, want) {
		t.Errorf("comparisons of days run in another order:\n got %q\nwant %q", got, want)
	}
}

// As conversion_rates_compared does for a category: a day without views is left
// out, one that is eight days before too.
func TestTotalsAreComparedWithTheDaysBefore(t *testing.T) {
	t.Parallel()
	r := newRunner(t, time.UTC)
	day := NewDay(2026, time.May, 20)
	batch, err := r.cfg.Warehouse.Conn().PrepareBatch(t.Context(), "INSERT INTO conversion_rate_daily (day, category, views, carts, purchases)")
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	for _, row := range []struct {
		ago                     Day
		category                string
		views, carts, purchases uint64
	}{{8, "a", 100, 0, 50}, {7, "a", 100, 0, 10}, {3, "a", 0, 5, 0}, {1, "b", 200, 0, 40}, {0, "a", 100, 1, 50}, {0, "b", 200, 2, 40}} {
		if err := batch.Append((day - row.ago).String(), row.category, row.views, row.carts, row.purchases); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	report, err := r.Report(t.Context(), day)
	got, _ := json.Marshal(report.Totals)
	const want = `{"views":300,"carts":3,"purchases":90,"view_to_purchase":30,"change_to_day_before":10,"change_to_7_day_mean":15}`
	if err != nil || string(got) != want {
		t.Errorf("%v, totals\n%s, want\n%s", err, got, want)
	}
}
