package warehouse_test

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"clickstream/migrations"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// before are the migrations up to and without one.
func before(t *testing.T, name string) fs.FS {
	t.Helper()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	older := fstest.MapFS{}
	for _, n := range names {
		if n >= name {
			break
		}
		text, err := fs.ReadFile(migrations.Files, n)
		if err != nil {
			t.Fatal(err)
		}
		older[n] = &fstest.MapFile{Data: text}
	}
	return older
}

// Tables that store the offset itself keep it, and which of two copies counts,
// when they come to store its rank alone, and when that is taken back.
func TestAnUpgradeOfTheEventLogKeepsOffsets(t *testing.T) {
	cfg := warehousetest.Database(t).Config()
	cfg.Migrations = before(t, "00018")
	old := warehousetest.Open(t, cfg)
	if _, err := old.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec := func(w *warehouse.Warehouse, sql string) {
		t.Helper()
		if err := w.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const copies = `INSERT INTO event_log (event_id, timestamp, kafka_key, kafka_offset, brand) VALUES
		('a', '2026-11-24 10:00:00', 'p', 7, 'second'), ('b', '2026-11-24 10:00:00', 'p', 8, 'only')`
	exec(old, copies)
	exec(old, "INSERT INTO event_log (event_id, timestamp, kafka_key, kafka_offset, brand) VALUES ('a', '2026-11-24 10:00:00', 'p', 3, 'first')")

	cfg.Migrations = before(t, "00019") // so that the newest one is this upgrade
	w := warehousetest.Open(t, cfg)
	want := func(state string, offsets ...int64) {
		t.Helper()
		var got []int64
		if err := w.Conn().QueryRow(t.Context(), "SELECT groupArray(kafka_offset) FROM (SELECT kafka_offset FROM events ORDER BY kafka_offset)").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, offsets) {
			t.Fatalf("%s: the events have the offsets %d, want %d", state, got, offsets)
		}
	}
	want("before", 3, 8)
	// A migration that was cut off is run again from its beginning.
	for range 2 {
		if _, err := w.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("after the upgrade", 3, 8)
		exec(w, "DELETE FROM goose_db_version WHERE version_id = 18")
	}
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(w, "INSERT INTO event_log (event_id, timestamp, kafka_key, offset_rank) VALUES ('b', '2026-11-24 10:00:00', 'p', bitNot(toUInt64(5)))")
	want("with a copy", 3, 5)
	for range 2 {
		if _, err := w.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("taken back", 3, 5)
		exec(w, "OPTIMIZE TABLE event_log FINAL")
		want("taken back and merged", 3, 5)
		if _, err := w.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("again", 3, 5)
	}
}
