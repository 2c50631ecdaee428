package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"clickstream/internal/instance"
)

type sqlCmd struct {
	Query    string `arg:"" help:"One SQL query; - reads it from standard input."`
	Output   string `enum:"table,vertical,json,jsonl,csv,tsv" default:"table" help:"table, vertical (a column a line), json (an array of objects), jsonl (an object a line), csv or tsv. A FORMAT at the query's end overrides it."`
	Vertical bool   `help:"The same as --output vertical."`
	folderFlags
	engineFlags
}

func (sqlCmd) Help() string {
	return `Views to query: events, flash_sale_alerts, alert_episodes, rejected_events, job_runs,
user_segmentation_daily, top_products_daily, conversion_rate_daily. A query can read and cannot change anything.

A query may end in FORMAT CSV, TSV, JSON, JSONEachRow or Vertical; for others use --output. On a terminal a wide table is
shortened to fit; --vertical shows it whole.

Examples:
  clickstream sql "SELECT event_type, count() FROM events GROUP BY 1 ORDER BY 2 DESC"
  clickstream sql --output csv "SELECT * FROM top_products_daily" > top.csv`
}

func (c *sqlCmd) Run(ctx context.Context, t *terminal) error {
	text := c.Query
	if text == "-" {
		all, err := io.ReadAll(t.in)
		if err != nil {
			return fmt.Errorf("read the query: %w", err)
		}
		text = string(all)
	}
	text, output, err := splitFormat(text)
	if err != nil {
		return err
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		// readonly=2 lets a query bring settings of its own, as format settings
		// are, but change no data.
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
			"readonly": 2,
			// Times as JSON and CSV print them can be pasted into a query.
			"date_time_input_format": "best_effort", "cast_string_to_date_time_mode": "best_effort",
		}))
		rows, err := p.Warehouse.Conn().Query(ctx, text)
		if err != nil {
			return fmt.Errorf("run the query: %w", err)
		}
		defer rows.Close()
		err = c.write(t, rows, output)
		if err != nil {
			return err
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("run the query: %w", err)
		}
		return nil
	})
}

// write prints the rows. output is what the query's FORMAT means, or "".
func (c *sqlCmd) write(t *terminal, rows driver.Rows, output string) error {
	if output == "" {
		output = c.Output
		if c.Vertical {
			output = outVertical
		}
	}
	switch output {
	case outJSON:
		return writeJSON(t.out, rows)
	case outLines:
		return writeJSONLines(t.out, rows)
	case outCSV, outBareCSV:
		return writeCSV(t, rows, output == outCSV)
	case outTSV, outBareTSV:
		return writeTSV(t.out, rows, output == outTSV)
	case outVertical:
		return writeVertical(t.out, rows)
	default:
		return writeTable(t, rows)
	}
}

// scanner reads rows of any columns.
func scanner(rows driver.Rows) func() ([]any, error) {
	types := rows.ColumnTypes()
	return func() ([]any, error) {
		targets := make([]any, len(types))
		for i, t := range types {
			targets[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("read a row: %w", err)
		}
		for i, target := range targets {
			targets[i] = plain(reflect.ValueOf(target).Elem(), types[i].DatabaseTypeName())
		}
		return targets, nil
	}
}

// plain makes a value printable: pointers followed, times as ClickHouse would
// write them, decimals as numbers.
func plain(v reflect.Value, databaseType string) any {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case time.Time:
		if databaseType == "Date" || databaseType == "Date32" {
			return value.Format(time.DateOnly)
		}
		return isoTime(value)
	case decimal.Decimal:
		return json.Number(value.String())
	default:
		return value
	}
}

func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case fmt.Stringer:
		return v.String()
	}
	switch reflect.ValueOf(value).Kind() {
	case reflect.Slice, reflect.Map, reflect.Struct:
		if b, err := json.Marshal(value); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(value)
}

// eachRow calls do with the values of each row. The caller looks at rows.Err.
func eachRow(rows driver.Rows, do func(values []any) error) error {
	next := scanner(rows)
	for rows.Next() {
		values, err := next()
		if err != nil {
			return err
		}
		if err := do(values); err != nil {
			return err
		}
	}
	return nil
}

// writeTable fits the table to the terminal's width; elsewhere it is as wide as
// its cells.
func writeTable(t *terminal, rows driver.Rows) error {
	all := [][]string{escaped(rows.Columns())}
	err := eachRow(rows, func(values []any) error {
		all = append(all, escaped(texts(clockTimes(values))))
		return nil
	})
	if err != nil {
		return err
	}
	shortened := false
	if width := t.width(); width > 0 {
		shortened = fit(all, width)
	}
	table(t.out, all[0], all[1:])
	if shortened {
		t.say("Columns are shortened to the terminal's width; --vertical shows them whole.")
	}
	return nil
}

func writeVertical(w io.Writer, rows driver.Rows) error {
	n := 0
	return eachRow(rows, func(values []any) error {
		n++
		_, err := io.WriteString(w, vertical(n, rows.Columns(), texts(clockTimes(values))))
		return err
	})
}

// clockTimes writes times as ClickHouse takes them everywhere in a query, also
// in an IN list, where it reads no zone.
func clockTimes(values []any) []any {
	for i, v := range values {
		if at, ok := v.(isoTime); ok {
			values[i] = time.Time(at).Format("2006-01-02 15:04:05.999999999")
		}
	}
	return values
}

// isoTime is printed as RFC 3339.
type isoTime time.Time

func (t isoTime) String() string               { return time.Time(t).Format(time.RFC3339Nano) }
func (t isoTime) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func escaped(cells []string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = printable(cell)
	}
	return out
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}

func writeCSV(t *terminal, rows driver.Rows, names bool) error {
	out := csv.NewWriter(t.out)
	cells := func(c []string) []string {
		if t.outTTY {
			return escaped(c)
		}
		return c
	}
	if names {
		if err := out.Write(cells(rows.Columns())); err != nil {
			return err
		}
	}
	if err := eachRow(rows, func(values []any) error { return out.Write(cells(texts(values))) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// writeTSV escapes what is not printable, tabs and line ends included.
func writeTSV(w io.Writer, rows driver.Rows, names bool) error {
	if names {
		if _, err := fmt.Fprintln(w, strings.Join(escaped(rows.Columns()), "\t")); err != nil {
			return err
		}
	}
	return eachRow(rows, func(values []any) error {
		cells := texts(values)
		for i := range cells {
			cells[i] = printable(strings.ReplaceAll(cells[i], `\`, `\\`))
		}
		_, err := fmt.Fprintln(w, strings.Join(cells, "\t"))
		return err
	})
}

// writeJSON writes an array with an object a line.
func writeJSON(w io.Writer, rows driver.Rows) error {
	separator := "["
	err := eachRow(rows, func(values []any) error {
		line, err := object(rows.Columns(), values)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s%s", separator, line)
		}
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	end := "]\n"
	if separator == "[" {
		end = "[]\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

func writeJSONLines(w io.Writer, rows driver.Rows) error {
	return eachRow(rows, func(values []any) error {
		line, err := object(rows.Columns(), values)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", line)
		}
		return err
	})
}

// object is a row as JSON, its members in the order of the columns.
func object(columns []string, values []any) ([]byte, error) {
	line := []byte("{")
	for i, name := range columns {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(values[i])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		if i > 0 {
			line = append(line, ',')
		}
		line = append(append(append(line, key...), ':'), value...)
	}
	return append(line, '}'), nil
}
