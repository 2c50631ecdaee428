package grafana

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the panels show of testdata/shop.sql, worked out by hand. Of a time
// series that fills its gaps the rows named here are checked, and how many
// there are.
var shown = map[string]struct {
	columns string
	rows    []string // columns apart by |
	count   int      // of all rows, where rows are not all
}{
	"events_by_type": {"time views into the cart purchases others", []string{
		"2026-01-15 10:00:00|0.033|0.017|0.017|0",
		"2026-01-15 10:01:00|0|0|0|0",
		"2026-01-15 10:05:00|0.033|0|0|0",
		"2026-01-15 10:10:00|0.017|0|0|0.017",
	}, 11},
	"conversion_over_time": {"time purchases carts", []string{
		"2026-01-15 10:00:00|50|50",
		"2026-01-15 10:05:00|0|0",
		`2026-01-15 10:06:00|\N|\N`,
		"2026-01-15 10:10:00|0|0",
	}, 0},
	// The chair's newer window has the most views, and was taken back.
	"flash_sales": {"first_window last_window_end product status windows views purchases conversion exact", []string{
		"2026-01-15 10:03:00.000|2026-01-15 10:14:00.000|chair|ended|2|120|1|0.8333|true",
		"2026-01-15 10:03:00.000|2026-01-15 10:13:00.000|sofa|firing|1|200|2|1|false",
		"2026-01-15 10:00:00.000|2026-01-15 10:10:00.000|lamp|ended|1|102|1|0.9804|true",
	}, 0},
	"products_in_flash_sale": {"time firing confirmed retracted", []string{
		"2026-01-15 10:00:00|0|1|0",
		"2026-01-15 10:02:00|0|1|0",
		"2026-01-15 10:03:00|1|2|0",
		"2026-01-15 10:04:00|1|2|1",
		"2026-01-15 10:09:00|1|2|1",
		"2026-01-15 10:10:00|1|1|1",
		"2026-01-15 10:13:00|0|0|1",
	}, 14},
	// The chair's alert is newer and was taken back.
	"flash_sale_product": {"time views purchases", []string{
		"2026-01-15 10:05:00|1|0",
		"2026-01-15 10:06:00|0|0",
		"2026-01-15 10:10:00|1|0",
	}, 6},
	"funnel": {"reached_step sessions percent", []string{
		"1 viewed a product|4|100",
		"2 put one into the cart|2|50",
		"3 bought|1|25",
	}, 0},
	"freshness": {"time age", []string{
		"2026-01-15 10:00:00|9",
		"2026-01-15 10:01:00|69",
		"2026-01-15 10:10:00|29",
		"2026-01-15 10:29:00|1169",
	}, 30},
	"newest_event":    {"age", []string{"1169"}, 0},
	"events_received": {"events median_delay slowest_delay", []string{"9|1|1"}, 0},
	"rejected_by_reason": {"reason field records last_seen example came_from", []string{
		"bad_time|timestamp|2|2026-01-15 10:02:30.000|second|b.csv",
		"missing_field|product_id|1|2026-01-15 10:05:00.000|third|a.csv",
	}, 0},
	"rejected_over_time": {"time rejected", []string{
		"2026-01-15 10:00:00|0",
		"2026-01-15 10:02:00|2",
		"2026-01-15 10:05:00|1",
		"2026-01-15 10:29:00|0",
	}, 30},
	"top_products": {"day rank product category views unique_viewers average_price carts purchases conversion revenue", []string{
		"2026-01-14|1|lamp|light|90|30|19.99|9|9|10|179.91",
		"2026-01-14|2|sofa|home|80|60|400|9|3|3.75|1200",
	}, 0},
	"conversion_by_category": {"day category views carts purchases conversion view_to_cart cart_to_purchase", []string{
		"2026-01-14|light|90|9|9|10|10|100",
		"2026-01-14|home|80|9|3|3.75|11.25|33.3333",
	}, 0},
	"segments": {"segment users", []string{"window_shopper|2", "buyer|1"}, 0},
	"job_runs": {"job reported_day last_state last_start report_rows last_error", []string{
		"top_products|2026-01-14|succeeded|2026-01-15 02:00:00.000|2|",
	}, 0},
}

var (
	isTime   = regexp.MustCompile(`^DateTime(64)?\b`)
	isNumber = regexp.MustCompile(`^(Nullable\()?(U?Int\d+|Float64)\b`)
	timed    = regexp.MustCompile(`(?m) AS time\b`)
)

func TestEveryQueryShowsTheShopAsTheUserGrafana(t *testing.T) {
	shop := openShop(t)
	// As the datasource sends it with every query.
	sent := map[string]string{
		"database": database, "max_execution_time": "35", "default_format": "TabSeparatedWithNamesAndTypes",
	}

	for _, name := range Queries() {
		t.Run(name, func(t *testing.T) {
			want, ok := shown[name]
			if !ok {
				t.Fatal("the test does not know what this query should show")
			}
			text, err := Query(name)
			if err != nil {
				t.Fatal(err)
			}
			sql, err := Expand(text, shownFrom, shownTo, shownStep)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := shop.ask(t.Context(), sql, sent)
			if err != nil {
				t.Fatalf("%v\n%s", err, sql)
			}
			lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
			names, types, rows := lines[0], strings.Split(lines[1], "\t"), lines[2:]
			if got := strings.ReplaceAll(names, "\t", " "); got != want.columns {
				t.Errorf("columns are %q, want %q", got, want.columns)
			}
			if timed.MatchString(text) {
				if !isTime.MatchString(types[0]) {
					t.Errorf("the first column of a time series is %s", types[0])
				}
				for i, typ := range types[1:] {
					if !isNumber.MatchString(typ) {
						t.Errorf("column %d of a time series is %s", i+2, typ)
					}
				}
				if !slices.IsSorted(rows) {
					t.Error("the rows are not in the order of time")
				}
			}
			compareRows(t, rows, want.rows, want.count)
		})
	}

	t.Run("an empty shop", func(t *testing.T) {
		for _, name := range Queries() {
			text, err := Query(name)
			if err != nil {
				t.Fatal(err)
			}
			sql, err := Expand(text, shownFrom.AddDate(-1, 0, 0), shownTo.AddDate(-1, 0, 0), shownStep)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := shop.ask(t.Context(), sql, sent); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})

	t.Run("live charts", func(t *testing.T) {
		charts, err := LiveCharts()
		if err != nil {
			t.Fatal(err)
		}
		for _, chart := range charts {
			checkLive(t, shop, chart, map[string]string{
				"from": "2026-01-15 10:00:00", "to": "2026-01-15 10:30:00", "seconds": "1", "rounding": "60",
			})
			// As the page draws them first: the last half hour, in which this
			// shop has nothing.
			if _, err := shop.columns(t.Context(), chart.SQL, pageParameters(LiveParams())); err != nil {
				t.Errorf("%s: %v", chart.Title, err)
			}
		}
	})
}

func compareRows(t *testing.T, rows, want []string, count int) {
	t.Helper()
	for i, row := range rows {
		rows[i] = strings.ReplaceAll(row, "\t", "|")
	}
	if count == 0 {
		if !slices.Equal(rows, want) {
			t.Errorf("shows\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
		}
		return
	}
	if len(rows) != count {
		t.Errorf("shows %d rows, want %d", len(rows), count)
	}
	for _, row := range want {
		if !slices.Contains(rows, row) {
			t.Errorf("shows\n%s\nwant among them\n%s", strings.Join(rows, "\n"), row)
		}
	}
}

// checkLive asks as the /dashboard page does and checks what the page uses: the
// first column as Unix seconds in order, each further one as numbers.
func checkLive(t *testing.T, shop reader, chart Chart, params map[string]string) {
	t.Helper()
	answer, err := shop.columns(t.Context(), chart.SQL, pageParameters(params))
	if err != nil {
		t.Errorf("%s: %v\n%s", chart.Title, err, chart.SQL)
		return
	}
	if answer.Rows == 0 || len(answer.Meta) < 2 || answer.Meta[0].Name != "t" {
		t.Errorf("%s: %d rows of %v", chart.Title, answer.Rows, answer.Meta)
		return
	}
	if first := int64(answer.Data["t"][0].(float64)); first != shownFrom.Unix() && first != shownFrom.Add(5*time.Minute).Unix() {
		t.Errorf("%s begins at %d", chart.Title, first)
	}
	last := 0.0
	for i, at := range answer.Data["t"] {
		seconds, ok := at.(float64)
		if !ok || seconds <= last {
			t.Errorf("%s: t of row %d is %v after %v", chart.Title, i, at, last)
		}
		last = seconds
	}
	for _, column := range answer.Meta[1:] {
		for i, value := range answer.Data[column.Name] {
			if _, ok := value.(float64); !ok && value != nil {
				t.Errorf("%s: %s of row %d is %v", chart.Title, column.Name, i, value)
			}
		}
	}
}

func pageParameters(params map[string]string) map[string]string {
	all := map[string]string{"database": database, "default_format": "JSONColumnsWithMetadata"}
	for name, value := range params {
		all["param_"+name] = value
	}
	return all
}
