package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"clickstream/internal/columns"
)

func amount(t *testing.T, text string) Amount {
	t.Helper()
	d, err := decimal.NewFromString(text)
	if err != nil {
		t.Fatal(err)
	}
	return Amount{d}
}

// made are outcomes with that many rows of every job.
func made(rows uint64) map[string]Outcome {
	all := make(map[string]Outcome)
	for _, job := range Jobs() {
		all[job.Name] = Outcome{Made: true, Rows: rows}
	}
	return all
}

func textOf(t *testing.T, r Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportKeepsWithin80ColumnsWhateverNamesAre(t *testing.T) {
	withFourthJob(t)
	huge := ^uint64(0)
	up, points := int64(100_000), -12345.6789
	for _, name := range []string{
		"shoes",
		strings.Repeat("electronics.audio.", 10) + "headphone",
		strings.Repeat("カテゴリー", 20),
		strings.Repeat("👟🛒", 30),
		strings.Repeat("e\u0301", 90),
		"\x1b[2J\x1b]0;title\a" + strings.Repeat("\r\n\t\v", 30),
		strings.Repeat("\u202e\u2066\u2028\u0085", 30),
		strings.Repeat("\xff\xc3", 60),
	} {
		for _, n := range []uint64{0, 7, 1_234_567, huge} {
			r := Report{
				Segments: Segments{Buyer: n / 4, WindowShopper: n / 4, CartAbandoner: n / 4, Unknown: n / 4,
					Revenue: amount(t, "9999999999999999999999999999999999.9999"), Refunded: amount(t, "-1234567.895")},
				Totals: Rates{Views: n, Carts: n, Purchases: n, ViewToPurchase: 100},
				Others: map[string]Rows{visitors.Name: {Columns: slices.Repeat([]string{name}, 12), Rows: [][]string{slices.Repeat([]string{name}, 12)}}},
				Jobs:   made(n + 1),
			}
			for i := range 20 {
				r.TopProducts = append(r.TopProducts, TopProduct{Rank: uint32(i + 1), ProductID: name, Category: name, Views: n, UniqueViewers: n,
					AveragePrice: amount(t, "12345678901234.5678"), Purchases: n, RankChange: &up})
				r.Conversion = append(r.Conversion, Conversion{Category: name, Best: i == 18, Worst: i == 19,
					Rates: Rates{Views: n, Carts: n, Purchases: n, ViewToPurchase: 1e12, ChangeToDayBefore: &points, ChangeTo7DayMean: &points}})
			}
			failed := r
			failed.Jobs = map[string]Outcome{TopProducts: {Error: strings.Repeat(name, 3) + " " + strings.Repeat("word ", 30)}}
			for _, text := range []string{textOf(t, r), textOf(t, failed)} {
				for line := range strings.SplitSeq(text, "\n") {
					if got := columns.Width(line); got > 80 || plain(line) != line {
						t.Errorf("names %q: this line takes %d places:\n%q", name, got, line)
					}
				}
			}
		}
	}
}

func TestReportShowsTheBestAndTheWorstCategory(t *testing.T) {
	of := func(n int, best, worst func(i int) bool) Report {
		r := Report{Jobs: made(uint64(n))}
		for i := range n {
			views := uint64(1000 - i)
			r.Conversion = append(r.Conversion, Conversion{Category: fmt.Sprintf("category-%03d", i), Rates: Rates{Views: views}, Best: best(i), Worst: worst(i)})
			r.Totals.Views += views
		}
		return r
	}
	is := func(wanted ...int) func(int) bool { return func(i int) bool { return slices.Contains(wanted, i) } }
	below := func(n int) func(int) bool { return func(i int) bool { return i < n } }
	for _, c := range []struct {
		what string
		r    Report
		want string
	}{
		{"few", of(3, is(1), is(2)), "0 1 2"},
		{"no best", of(20, is(), is()), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14"},
		{"both shown anyway", of(20, is(3), is(14)), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14"},
		{"both beyond", of(93, is(80), is(70)), "0 1 2 3 4 5 6 7 8 9 10 11 12 70 80"},
		{"the best is the last shown", of(93, is(14), is(70)), "0 1 2 3 4 5 6 7 8 9 10 11 12 14 70"},
		{"all shown are equally good", of(93, below(20), is(70)), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 70"},
		{"all shown are equally bad", of(93, is(70), below(20)), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 70"},
	} {
		var got []string
		hidden := c.r.Totals.Views
		for _, shown := range mostViewed(c.r.Conversion) {
			got = append(got, strings.TrimLeft(strings.TrimPrefix(shown.Category, "category-"), "0"))
			hidden -= shown.Views
		}
		got[0] = "0"
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.what, got, c.want)
		}
		more := ""
		if n := len(c.r.Conversion) - len(got); n > 0 {
			more = fmt.Sprintf("\n  and %d more, with %s views; --output json lists all\n", n, count(hidden))
		}
		if text := textOf(t, c.r); !strings.HasSuffix(text, more) || strings.Contains(text, " more,") != (more != "") {
			t.Errorf("%s: the report ends without %q:\n%s", c.what, more, text)
		}
	}
}

func TestAmountsAreExactNumbersInJSON(t *testing.T) {
	for text, want := range map[string]string{
		"639.6800": "639.68", "0": "0", "0.3": "0.3", "1.63210532200001": "1.6321", "-19.99": "-19.99", "0.0001": "0.0001",
		"9999999999999999999999999999999999.9999": "9999999999999999999999999999999999.9999", "1e12": "1000000000000",
	} {
		got, err := json.Marshal(amount(t, text))
		if err != nil || string(got) != want {
			t.Errorf("%s is %s in JSON (%v), want %s", text, got, err, want)
		}
		var back Amount
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(amount(t, want).Decimal) {
			t.Errorf("%s is read back as %s (%v)", got, back, err)
		}
	}
	for text, want := range map[string]string{"1234567.895": "1,234,567.90", "-19.99": "-19.99", "0": "0.00", "-123456": "-123,456.00", "999": "999.00"} {
		if got := amount(t, text).text(); got != want {
			t.Errorf("%s is printed as %s, want %s", text, got, want)
		}
	}
}

func TestReportSaysHowToReadTheRowsThatItLeavesOut(t *testing.T) {
	withFourthJob(t)
	r := Report{Day: NewDay(2026, time.May, 1), Jobs: made(1234)}
	r.Others = map[string]Rows{visitors.Name: {Columns: strings.Split("abcdefghij", ""), Rows: [][]string{strings.Split("0123456789", "")}}}
	const want = `
  a  b  c  d  e  f  g  h  i
  0  1  2  3  4  5  6  7  8
  columns left out: 1; rows left out: 1,233. All of them:
  clickstream sql "SELECT * FROM visitors_daily WHERE day = '2026-05-01'"
`
	if text := textOf(t, r); !strings.HasSuffix(text, want) {
		t.Errorf("the report does not end with\n%s\nbut is\n%s", want, text)
	}
}
