package simulation_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// schema is a table as the migrations make it, as far as rows are concerned.
type schema struct {
	columns []string
	// day names the ClickHouse partition of a row: an INSERT is atomic in one
	// partition only.
	day func(row) string
	// identity is the sort key, and wins says which of two copies remains.
	identity func(row) string
	wins     func(a, b row) bool
}

// row is a row's values as text, in the order of its table's columns.
type row []string

func (r row) text() string { return strings.Join(r, "\x1f") }

var eventColumns = []string{
	"event_id", "event_type", "timestamp", "user_id", "session_id", "product_id", "product_category", "brand", "currency",
	"device_type", "page_url", "order_id", "source", "price", "quantity", "properties", "kafka_key", "kafka_partition", "offset_rank", "received_at",
}

var alertColumns = []string{
	"alert_id", "rule", "product_id", "window_start", "window_end", "status", "views", "purchases", "conversion_rate",
	"version", "episode_id", "exact", "kafka_partition", "kafka_offset", "received_at",
}

var rejectedColumns = []string{
	"reason", "field", "message", "key", "value", "origin_kind", "origin", "origin_request", "origin_partition", "origin_position",
	"kafka_partition", "kafka_offset", "received_at",
}

var schemas = map[string]schema{
	"event_log": {
		columns: eventColumns,
		day:     func(r row) string { return strconv.FormatInt(number(of(eventColumns, r, "timestamp"))/86_400_000, 10) },
		identity: func(r row) string {
			return key(of(eventColumns, r, "kafka_key"), of(eventColumns, r, "event_type"), of(eventColumns, r, "timestamp"), of(eventColumns, r, "event_id"))
		},
		wins: func(a, b row) bool {
			return offsetOf(eventColumns, a) < offsetOf(eventColumns, b)
		},
	},
	"alert_log": {
		columns: alertColumns,
		day: func(r row) string {
			return strconv.FormatInt(number(of(alertColumns, r, "window_start"))/(28*86_400_000), 10)
		},
		identity: func(r row) string {
			return key(of(alertColumns, r, "window_start"), of(alertColumns, r, "product_id"), of(alertColumns, r, "alert_id"))
		},
		wins: func(a, b row) bool {
			return number(of(alertColumns, a, "version")) > number(of(alertColumns, b, "version"))
		},
	},
	"rejected_log": {
		columns: rejectedColumns,
		day:     func(row) string { return "all" },
		identity: func(r row) string {
			return key(of(rejectedColumns, r, "origin_kind"), of(rejectedColumns, r, "origin"), of(rejectedColumns, r, "origin_request"),
				of(rejectedColumns, r, "origin_partition"), of(rejectedColumns, r, "origin_position"), of(rejectedColumns, r, "value"))
		},
		wins: func(a, b row) bool {
			return offsetOf(rejectedColumns, a) < offsetOf(rejectedColumns, b)
		},
	},
}

// same says whether two rows show the same. Two records of one alert version
// are equal but for where they are.
func (s schema) same(a, b row) bool {
	if s.wins(a, b) || s.wins(b, a) {
		return false
	}
	last := len(s.columns)
	if s.columns[0] == "alert_id" {
		last = slices.Index(s.columns, "kafka_partition")
	}
	return slices.Equal(a[:last], b[:last])
}

func key(parts ...string) string { return strings.Join(parts, "\x1f") }

func of(columns []string, r row, name string) string { return r[slices.Index(columns, name)] }

// offsetOf is a row's offset. event_log stores it with its bits inverted.
func offsetOf(columns []string, r row) int64 {
	if i := slices.Index(columns, "offset_rank"); i >= 0 {
		rank, err := strconv.ParseUint(r[i], 10, 64)
		if err != nil {
			panic(err)
		}
		return int64(^rank)
	}
	return number(of(columns, r, "kafka_offset"))
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// readBlocks reads rows as a server does: from the bytes that the blocks are on
// the wire, by their columns' types.
func readBlocks(table string, blocks []proto.Input) ([]row, error) {
	s, known := schemas[table]
	if !known {
		return nil, fmt.Errorf("there is no table %s", table)
	}
	var rows []row
	for _, block := range blocks {
		more, err := readBlock(s, block)
		if err != nil {
			return nil, fmt.Errorf("a block for table %s: %w", table, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func readBlock(s schema, input proto.Input) ([]row, error) {
	count := input[0].Data.Rows()
	if count == 0 {
		return nil, fmt.Errorf("it has no rows")
	}
	var wire proto.Buffer
	sent := proto.Block{Rows: count, Columns: len(input)}
	if err := sent.EncodeRawBlock(&wire, proto.Version, input); err != nil {
		return nil, err
	}
	var results proto.Results
	var got proto.Block
	if err := got.DecodeRawBlock(proto.NewReader(bytes.NewReader(wire.Buf)), proto.Version, results.Auto()); err != nil {
		return nil, err
	}
	rows := make([]row, count)
	for i := range rows {
		rows[i] = make(row, len(s.columns))
	}
	if len(results) != len(s.columns) {
		return nil, fmt.Errorf("it has %d columns, the table %d", len(results), len(s.columns))
	}
	for _, column := range results {
		at := slices.Index(s.columns, column.Name)
		if at < 0 {
			return nil, fmt.Errorf("the table has no column %s", column.Name)
		}
		value, err := cells(column.Data)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", column.Name, err)
		}
		for i := range rows {
			rows[i][at] = value(i)
		}
	}
	return rows, nil
}

// cells returns what reads a column's values.
func cells(column proto.ColResult) (func(i int) string, error) {
	if auto, is := column.(*proto.ColAuto); is {
		return cells(auto.Data.(proto.ColResult))
	}
	switch c := column.(type) {
	case interface{ Row(int) string }:
		return c.Row, nil
	case *proto.ColDateTime64:
		return func(i int) string { return strconv.FormatInt(c.Row(i).UnixMilli(), 10) }, nil
	case *proto.ColNullable[proto.Decimal64]:
		return func(i int) string {
			v := c.Row(i)
			if !v.Set {
				return "NULL"
			}
			return strconv.FormatInt(int64(v.Value), 10)
		}, nil
	case interface{ Row(int) uint32 }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	case interface{ Row(int) int32 }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	case interface{ Row(int) int64 }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	case interface{ Row(int) uint64 }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	case interface{ Row(int) float64 }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	case interface{ Row(int) bool }:
		return func(i int) string { return fmt.Sprint(c.Row(i)) }, nil
	}
	return nil, fmt.Errorf("the type %T is not known", column)
}
