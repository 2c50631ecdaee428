package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
)

// blockRows is how many rows each INSERT of BenchmarkTable has, as the mirror's
// while it has a backlog.
const blockRows = 300_000

// A variant is event_log with one thing changed. Each change is a text of the
// table's definition and what takes its place.
type variant struct {
	name    string
	changes []string // old, new, old, new, …
	from    string   // the table to insert from, where it is not shop
	merges  string   // "off": none before all rows are there
	columns string   // what is inserted, where it is not all of shop but n
}

const (
	byIdentity = "ORDER BY (event_type, toStartOfHour(timestamp), kafka_key, timestamp, event_id)"
	primaryKey = "PRIMARY KEY (event_type, toStartOfHour(timestamp), kafka_key)"
	// The key of an event of a product. Others have none here.
	keyOfEvent = "if(product_id != '', product_id, if(session_id != '', session_id, user_id))"
)

var variants = []variant{
	{name: "AsItIs"},
	{name: "AsItIsAgain"},
	{name: "KeyAsAlias", columns: "* EXCEPT (n, kafka_key)", changes: []string{
		"`kafka_key` String", "`kafka_key` String ALIAS " + keyOfEvent,
		byIdentity, strings.Replace(byIdentity, "kafka_key", keyOfEvent, 1),
		primaryKey, strings.Replace(primaryKey, "kafka_key", keyOfEvent, 1),
	}},
	{name: "OffsetStoredToo", columns: "* EXCEPT (n, received_at, offset_rank), toInt64(bitNot(offset_rank)), received_at, offset_rank", changes: []string{
		"`kafka_offset` Int64 ALIAS toInt64(bitNot(offset_rank))", "`kafka_offset` Int64",
	}},
	{name: "DeltaCodecs", changes: []string{
		"`timestamp` DateTime64(3, 'UTC')", "`timestamp` DateTime64(3, 'UTC') CODEC(Delta, LZ4)",
		"DEFAULT bitNot(toUInt64(0))", "CODEC(Delta, LZ4)",
		"`received_at` DateTime64(3, 'UTC')", "`received_at` DateTime64(3, 'UTC') CODEC(Delta, LZ4)",
	}},
	{name: "ZSTDForStrings", changes: []string{
		"`event_id` String", "`event_id` String CODEC(ZSTD(1))",
		"`user_id` String", "`user_id` String CODEC(ZSTD(1))",
		"`session_id` String", "`session_id` String CODEC(ZSTD(1))",
	}},
	{name: "SortedByKeyFirst", changes: []string{
		byIdentity, "ORDER BY (toStartOfHour(timestamp), kafka_key, event_type, timestamp, event_id)",
		primaryKey, "PRIMARY KEY (toStartOfHour(timestamp), kafka_key, event_type)",
	}},
	{name: "SortedByTime", changes: []string{
		byIdentity, "ORDER BY (timestamp, kafka_key, event_type, event_id)",
		primaryKey, "PRIMARY KEY (timestamp, kafka_key)",
	}},
	{name: "SortedByOffset", changes: []string{
		byIdentity, "ORDER BY (kafka_partition, offset_rank)",
		primaryKey, "PRIMARY KEY (kafka_partition, offset_rank)",
	}},
	{name: "BlocksSortedBefore", from: "shop_sorted"},
	{name: "MergesAfterwards", merges: "off"},
	{name: "MergesOfBase10", changes: setting("merge_selector_base = 10")},
	{name: "MergesOfBase20", changes: setting("merge_selector_base = 20")},
	{name: "MergesByRow", changes: setting("enable_vertical_merge_algorithm = 0")},
}

// setting is one more setting of the table.
func setting(text string) []string { return []string{"SETTINGS ", "SETTINGS " + text + ", "} }

// BenchmarkTable inserts b.N events into event_log as it is and with one thing
// changed, by one connection in blocks of 300,000 rows, from a table of the same
// ClickHouse, and reads what a report and two panels read:
//
//	go test -run '^$' -bench Table -benchtime 4000000x ./warehouse/mirror/bench
//
// insert-cpu-s/M and all-cpu-s/M are ClickHouse's work until the last row is
// inserted and until nothing more is merged. They hold the reading of the other
// table, which is the same for all.
func BenchmarkTable(b *testing.B) {
	server, err := embedded.Start(b.Context(), embedded.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	for _, v := range variants {
		b.Run(v.name, func(b *testing.B) {
			t := newTables(b, server, fmt.Sprintf("bench_table_%d", b.N))
			defer t.Close()
			v.measure(b, t)
		})
	}
}

func (v variant) measure(b *testing.B, t *tables) {
	b.Helper()
	for _, name := range []string{"shop", "shop_sorted"} {
		if t.number(b, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+name+"'") == 0 {
			t.exec(b, warehouse.SQL(files, name, map[string]int{"Rows": b.N, "BlockRows": blockRows}))
			t.exec(b, "OPTIMIZE TABLE "+name+" FINAL")
		}
	}
	table := "table_" + strings.ToLower(v.name)
	t.exec(b, v.definition(b, t, table))
	defer t.exec(b, "DROP TABLE "+table+" SYNC")
	if v.merges == "off" {
		t.exec(b, "SYSTEM STOP MERGES "+table)
	}
	t.settle(b)
	b.ResetTimer()
	begun := t.engine.CPU()
	t.engine.ForgetPeak()
	v.insert(b, t, table)
	b.StopTimer()
	inserted := t.engine.CPU()
	if v.merges == "off" {
		t.exec(b, "SYSTEM START MERGES "+table)
	}
	t.settle(b)
	merged, memory := t.engine.CPU(), t.engine.PeakMiB()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(perMillion(b.N, inserted-begun), "insert-cpu-s/M")
	b.ReportMetric(perMillion(b.N, merged-begun), "all-cpu-s/M")
	b.ReportMetric(memory, "peak-MiB")
	b.ReportMetric(t.number(b, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = '"+table+"'")/float64(b.N), "disk-bytes/event")
	for _, read := range []string{"report", "dashboard", "product"} {
		sql := warehouse.SQL(files, "read_"+read, map[string]string{"Table": table})
		t.exec(b, sql)
		begun := time.Now()
		for range 3 {
			t.exec(b, sql)
		}
		b.ReportMetric(float64(time.Since(begun).Milliseconds())/3, read+"-ms")
	}
}

// definition is event_log's with v's changes, under another name.
func (v variant) definition(b *testing.B, t *tables, table string) string {
	b.Helper()
	var text string
	if err := t.Conn().QueryRow(b.Context(), "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'event_log'").Scan(&text); err != nil {
		b.Fatal(err)
	}
	changes := append([]string{t.cfg.Database + ".event_log", table}, v.changes...)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			b.Fatalf("the definition of event_log has no %q to change:\n%s", changes[i], text)
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func (v variant) insert(b *testing.B, t *tables, table string) {
	b.Helper()
	from, columns := v.from, v.columns
	if from == "" {
		from = "shop"
	}
	if columns == "" {
		columns = "* EXCEPT (n)"
	}
	for row := 0; row < b.N; row += blockRows {
		t.exec(b, warehouse.SQL(files, "insert_block", map[string]any{
			"Table": table, "Columns": columns, "From": from, "Row": row, "BlockRows": blockRows,
		}))
	}
}

// settle waits until nothing is merged any more.
func (t *tables) settle(b *testing.B) {
	b.Helper()
	for quiet := 0; quiet < 10; {
		time.Sleep(100 * time.Millisecond)
		if quiet++; t.number(b, "SELECT count() FROM system.merges") > 0 {
			quiet = 0
		}
	}
}

func (t *tables) exec(b *testing.B, sql string) {
	b.Helper()
	if err := t.Conn().Exec(b.Context(), sql); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}
