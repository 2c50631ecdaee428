package warehouse_test

import (
	"testing"

	"clickstream/internal/testwait"
	"clickstream/warehouse/warehousetest"
)

func TestADayThatIsLeftAloneBecomesOnePart(t *testing.T) {
	w := warehousetest.Migrated(t)
	number := func(sql string) (n uint64) {
		t.Helper()
		if err := w.Conn().QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec := func(sql string) {
		t.Helper()
		if err := w.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'event_log' AND active"
	if number("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'event_log' AND engine_full LIKE '%min_age_to_force_merge_seconds = 7200%' AND engine_full LIKE '%min_age_to_force_merge_on_partition_only = %'") != 1 {
		t.Error("the table has no age at which a day is merged")
	}
	// Two parts are too few to be merged for anything but their age; the test's is
	// shorter.
	for _, id := range []string{"a", "b"} {
		exec("INSERT INTO event_log (event_id, timestamp) VALUES ('" + id + "', '2026-11-01 10:00:00')")
	}
	exec("ALTER TABLE event_log MODIFY SETTING min_age_to_force_merge_seconds = 1, merge_selecting_sleep_ms = 100, max_merge_selecting_sleep_ms = 100")
	testwait.Until(t, "one part", func() bool { return number(parts) == 1 })
	if n := number("SELECT count() FROM events"); n != 2 {
		t.Errorf("%d events after the merge, want 2", n)
	}
}
