package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Report is what the jobs have made of one day. Text writes it for people; its
// JSON, which docs/events.md describes, has everything that the text shows.
// Rates are in percent and their changes in percentage points, to four places.
type Report struct {
	Day         Day          `json:"date"`
	Segments    Segments     `json:"segments"`
	TopProducts []TopProduct `json:"top_products"`
	Totals      Rates        `json:"totals"`
	Conversion  []Conversion `json:"conversion"`
	// Others holds, by the job's name, the first hundred rows of each job that
	// has no field here.
	Others map[string]Rows `json:"others,omitempty"`
	// Jobs holds, by the job's name, whether there is anything to report.
	Jobs map[string]Outcome `json:"jobs"`
}

// Outcome is what has become of a job for a day.
type Outcome struct {
	Made bool   `json:"made"` // a run has succeeded; Rows is what it made
	Rows uint64 `json:"rows"`
	// Error is why the newest run failed; empty if one has succeeded since.
	Error string `json:"error"`
}

// Rows are a report table's rows of a day, as text.
type Rows struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Segments counts a day's users by what they did. Sessions without a user are
// not among them, nor is their money.
type Segments struct {
	Buyer         uint64 `json:"buyer"`
	WindowShopper uint64 `json:"window_shopper"`
	Unknown       uint64 `json:"unknown"`
	CartAbandoner uint64 `json:"cart_abandoner"` // of the window shoppers

	Revenue  Amount `json:"revenue"`
	Refunded Amount `json:"refunded"` // not subtracted from the revenue
}

// TopProduct is one of the most viewed products of a day.
type TopProduct struct {
	Rank          uint32 `json:"rank"           ch:"rank"`
	ProductID     string `json:"product_id"     ch:"product_id"`
	Category      string `json:"category"       ch:"category"`
	Views         uint64 `json:"views"          ch:"views"`
	UniqueViewers uint64 `json:"unique_viewers" ch:"unique_viewers"`
	AveragePrice  Amount `json:"average_price"  ch:"average_price"` // 0 where no view has a price
	Purchases     uint64 `json:"purchases"      ch:"purchases"`

	RankChange *int64 `json:"rank_change" ch:"rank_change"` // places up since the day before; nil: it was not in the table
}

// Rates is how views became purchases on a day.
type Rates struct {
	Views          uint64  `json:"views"            ch:"views"`
	Carts          uint64  `json:"carts"            ch:"carts"`
	Purchases      uint64  `json:"purchases"        ch:"purchases"`
	ViewToPurchase float64 `json:"view_to_purchase" ch:"view_to_purchase"` // 0 without views

	// Nil where there is nothing to compare with.
	ChangeToDayBefore *float64 `json:"change_to_day_before" ch:"change_to_day_before"`
	ChangeTo7DayMean  *float64 `json:"change_to_7_day_mean" ch:"change_to_7_day_mean"`
}

// Conversion is how a category's views became purchases on a day.
type Conversion struct {
	Category string `json:"category" ch:"category"`
	Rates
	// Among categories with enough views to mean something.
	Best  bool `json:"best"  ch:"is_best"`
	Worst bool `json:"worst" ch:"is_worst"`
}

// Report reads what the jobs have made of a day.
func (r *Runner) Report(ctx context.Context, day Day) (Report, error) {
	report := Report{Day: day, TopProducts: []TopProduct{}, Conversion: []Conversion{}}
	conn, of := r.cfg.Warehouse.Conn(), clickhouse.Named("day", day.String())
	s, t := &report.Segments, &report.Totals
	if err := conn.QueryRow(ctx, query("report_segments"), of).
		Scan(&s.Buyer, &s.WindowShopper, &s.Unknown, &s.CartAbandoner, &s.Revenue, &s.Refunded); err != nil {
		return Report{}, fmt.Errorf("read the segments of %s: %w", day, err)
	}
	if err := conn.Select(ctx, &report.TopProducts, query("report_top_products"), of); err != nil {
		return Report{}, fmt.Errorf("read the top products of %s: %w", day, err)
	}
	if err := conn.QueryRow(ctx, query("report_totals"), of).
		Scan(&t.Views, &t.Carts, &t.Purchases, &t.ViewToPurchase, &t.ChangeToDayBefore, &t.ChangeTo7DayMean); err != nil {
		return Report{}, fmt.Errorf("read the totals of %s: %w", day, err)
	}
	if err := conn.Select(ctx, &report.Conversion, query("report_conversion"), of); err != nil {
		return Report{}, fmt.Errorf("read the conversion rates of %s: %w", day, err)
	}
	for _, job := range Jobs() {
		if _, ok := sections[job.Name]; ok {
			continue
		}
		rows, err := r.reportRows(ctx, job, day)
		if err != nil {
			return Report{}, err
		}
		if report.Others == nil {
			report.Others = make(map[string]Rows)
		}
		report.Others[job.Name] = rows
	}
	outcomes, err := r.outcomes(ctx, day)
	report.Jobs = outcomes
	return report, err
}

func (r *Runner) outcomes(ctx context.Context, day Day) (map[string]Outcome, error) {
	succeeded, failed, err := r.latest(ctx, day, day)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Outcome)
	for _, job := range Jobs() {
		all[job.Name] = Outcome{}
	}
	for k, run := range succeeded {
		all[k.job] = Outcome{Made: true, Rows: run.Rows}
	}
	for k, run := range failed {
		outcome := all[k.job]
		outcome.Error = run.Error
		all[k.job] = outcome
	}
	return all, nil
}

func (r *Runner) reportRows(ctx context.Context, job Job, day Day) (_ Rows, err error) {
	found, err := r.cfg.Warehouse.Conn().Query(ctx, query("report_rows"),
		clickhouse.Named("table", job.Table), clickhouse.Named("key", job.key), clickhouse.Named("day", day.String()))
	if err != nil {
		return Rows{}, fmt.Errorf("read the rows of job %s for %s: %w", job.Name, day, err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	all := Rows{Rows: [][]string{}}
	for _, column := range found.Columns() {
		// The query makes text of each column, and the name says so.
		all.Columns = append(all.Columns, strings.TrimSuffix(strings.TrimPrefix(column, "toString("), ")"))
	}
	for found.Next() {
		row := make([]string, len(all.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return Rows{}, fmt.Errorf("read the rows of job %s for %s: %w", job.Name, day, err)
		}
		all.Rows = append(all.Rows, row)
	}
	return all, found.Err()
}
