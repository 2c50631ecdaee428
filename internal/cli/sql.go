package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"clickstream/internal/instance"
)

type sqlCmd struct {
	Query  string `arg:"" help:"One SQL query; - reads it from standard input."`
	Output string `enum:"table,json,csv" default:"table" help:"table, json (an array of objects) or csv."`
	folderFlags
	engineFlags
}

func (sqlCmd) Help() string {
	return `Views to ask: events, flash_sale_alerts, rejected_events, job_runs, user_segmentation_daily,
top_products_daily, conversion_rate_daily. A query can read and cannot change anything.

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
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		// readonly=2 lets a query bring settings of its own, as format settings
		// are, but change no data.
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"readonly": 2}))
		rows, err := p.Warehouse.Conn().Query(ctx, text)
		if err != nil {
			return fmt.Errorf("run the query: %w", err)
		}
		defer rows.Close()
		switch c.Output {
		case "json":
			err = writeJSON(t.out, rows)
		case "csv":
			err = writeCSV(t.out, rows)
		default:
			err = writeTable(t.out, rows)
		}
		if err != nil {
			return err
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("run the query: %w", err)
		}
		return nil
	})
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
		return value.Format(time.RFC3339Nano)
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

func writeTable(w io.Writer, rows driver.Rows) error {
	next := scanner(rows)
	var all [][]string
	for rows.Next() {
		values, err := next()
		if err != nil {
			return err
		}
		all = append(all, texts(values))
	}
	table(w, rows.Columns(), all)
	return nil
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}

func writeCSV(w io.Writer, rows driver.Rows) error {
	out := csv.NewWriter(w)
	if err := out.Write(rows.Columns()); err != nil {
		return err
	}
	next := scanner(rows)
	for rows.Next() {
		values, err := next()
		if err != nil {
			return err
		}
		if err := out.Write(texts(values)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes an array with an object a line, its members in the order of
// the columns.
func writeJSON(w io.Writer, rows driver.Rows) error {
	next := scanner(rows)
	separator := "["
	for rows.Next() {
		values, err := next()
		if err != nil {
			return err
		}
		line := []byte(separator + "{")
		for i, name := range rows.Columns() {
			key, err := json.Marshal(name)
			if err != nil {
				return err
			}
			value, err := json.Marshal(values[i])
			if err != nil {
				return fmt.Errorf("column %s: %w", name, err)
			}
			if i > 0 {
				line = append(line, ',')
			}
			line = append(append(append(line, key...), ':'), value...)
		}
		if _, err := w.Write(append(line, '}')); err != nil {
			return err
		}
		separator = ",\n"
	}
	if separator == "[" {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}
