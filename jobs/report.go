package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"
)

// Report is what the jobs have made of one day. Its JSON is part of what
// analyze prints; Text writes it for people.
type Report struct {
	Day         Day          `json:"date"`
	Segments    Segments     `json:"segments"`
	TopProducts []TopProduct `json:"top_products"`
	Conversion  []Conversion `json:"conversion"`
	// Others holds, by the job's name, the rows of jobs that have no field here.
	Others map[string]Rows `json:"others,omitempty"`

	// Runs holds the newest successful run of each job, by its name, and Failed
	// the newest failed one where none has succeeded since.
	Runs   map[string]Run `json:"-"`
	Failed map[string]Run `json:"-"`
}

// Rows are a report table's rows of a day, as text.
type Rows struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Segments counts a day's users by what they did. Sessions without a user are
// not among them.
type Segments struct {
	Buyer         uint64 `json:"buyer"`
	WindowShopper uint64 `json:"window_shopper"`
	Unknown       uint64 `json:"unknown"`

	CartAbandoner uint64          `json:"-"` // of the window shoppers
	Revenue       decimal.Decimal `json:"-"` // of these users
	Refunded      decimal.Decimal `json:"-"`
}

// TopProduct is one of the most viewed products of a day.
type TopProduct struct {
	Rank          uint32  `json:"rank"           ch:"rank"`
	ProductID     string  `json:"product_id"     ch:"product_id"`
	Category      string  `json:"category"       ch:"category"`
	Views         uint64  `json:"views"          ch:"views"`
	UniqueViewers uint64  `json:"unique_viewers" ch:"unique_viewers"`
	AveragePrice  float64 `json:"average_price"  ch:"average_price"`

	RankChange *int64 `json:"-" ch:"rank_change"` // places up since the day before; nil: it was not in the table
}

// Conversion is how a category's views became purchases on a day, in percent.
type Conversion struct {
	Category       string  `json:"category"         ch:"category"`
	Views          uint64  `json:"views"            ch:"views"`
	Carts          uint64  `json:"carts"            ch:"carts"`
	Purchases      uint64  `json:"purchases"        ch:"purchases"`
	ViewToPurchase float64 `json:"view_to_purchase" ch:"view_to_purchase"`

	// In percentage points; nil where there is nothing to compare with.
	ChangeToDayBefore *float64 `json:"-" ch:"change_to_day_before"`
	ChangeTo7DayMean  *float64 `json:"-" ch:"change_to_7_day_mean"`
	// Among categories with enough views to mean something.
	Best  bool `json:"-" ch:"is_best"`
	Worst bool `json:"-" ch:"is_worst"`
}

// Report reads what the jobs have made of a day.
func (r *Runner) Report(ctx context.Context, day Day) (Report, error) {
	report := Report{Day: day, TopProducts: []TopProduct{}, Conversion: []Conversion{}, Runs: make(map[string]Run), Failed: make(map[string]Run)}
	conn, of := r.cfg.Warehouse.Conn(), clickhouse.Named("day", day.String())
	s := &report.Segments
	if err := conn.QueryRow(ctx, query("report_segments"), of).
		Scan(&s.Buyer, &s.WindowShopper, &s.Unknown, &s.CartAbandoner, &s.Revenue, &s.Refunded); err != nil {
		return Report{}, fmt.Errorf("read the segments of %s: %w", day, err)
	}
	if err := conn.Select(ctx, &report.TopProducts, query("report_top_products"), of); err != nil {
		return Report{}, fmt.Errorf("read the top products of %s: %w", day, err)
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
	succeeded, failed, err := r.latest(ctx, day, day)
	if err != nil {
		return Report{}, err
	}
	for k, run := range succeeded {
		report.Runs[k.job] = run
	}
	for k, run := range failed {
		report.Failed[k.job] = run
	}
	return report, nil
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
