package warehouse_test

import (
	"testing"

	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// synced is how many files and folders of parts the server has written to the
// disk so far, by its own count.
func synced(t *testing.T, w *warehouse.Warehouse) (files, folders uint64) {
	t.Helper()
	if err := w.Conn().QueryRow(t.Context(), `SELECT sumIf(value, event = 'FileSync'), sumIf(value, event = 'DirectorySync') FROM system.events`).
		Scan(&files, &folders); err != nil {
		t.Fatal(err)
	}
	return files, folders
}

// What the server's counts cannot show is whether the disk keeps what it says it
// has written.
func TestM2_RowsAndMergesAreOnTheDiskBeforeTheyCount(t *testing.T) {
	cfg := config(t)
	w := warehousetest.Open(t, cfg)
	exec := func(sql string) {
		t.Helper()
		if err := w.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	migrate := func(w *warehouse.Warehouse) {
		t.Helper()
		if _, err := w.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	migrate(w)
	steps := []string{
		"INSERT INTO event_log (event_id, timestamp) VALUES ('a', '2026-11-24 10:00:00')",
		"INSERT INTO event_log (event_id, timestamp) VALUES ('b', '2026-11-24 10:00:00')",
		"OPTIMIZE TABLE event_log FINAL",
		"INSERT INTO alert_log (alert_id) VALUES ('a')",
		"INSERT INTO rejected_log (value) VALUES ('a')",
		"INSERT INTO gap_log (topic) VALUES ('a')",
	}
	for _, step := range steps {
		files, folders := synced(t, w)
		exec(step)
		moreFiles, moreFolders := synced(t, w)
		if moreFiles == files || moreFolders == folders {
			t.Errorf("%s: %d files and %d folders were synced, want some of both", step, moreFiles-files, moreFolders-folders)
		}
	}

	// Other tests use the same server, so only the settings are compared.
	set := func() (n uint64) {
		t.Helper()
		if err := w.Conn().QueryRow(t.Context(), `SELECT countIf(engine_full LIKE '%fsync_after_insert = %' AND engine_full LIKE '%fsync_part_directory = %'
			AND engine_full LIKE '%min_rows_to_fsync_after_merge = 1%' AND engine_full LIKE '%min_compressed_bytes_to_fsync_after_merge = 1%')
			FROM system.tables WHERE database = currentDatabase()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := set(); n != 4 {
		t.Errorf("%d tables are synced, want 4", n)
	}
	cfg.NoFsync = true
	migrate(warehousetest.Open(t, cfg))
	if n := set(); n != 0 {
		t.Errorf("%d tables are synced where that is turned off", n)
	}
	cfg.NoFsync = false
	migrate(warehousetest.Open(t, cfg))
	if n := set(); n != 4 {
		t.Errorf("%d tables are synced after it was turned on again", n)
	}
}
