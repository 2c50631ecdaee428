package jobs

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// The job that docs/contributing.md adds as its example. These files are quoted
// there.
var visitors = Job{
	Name: "visitors", At: "04:00", Table: "visitors_daily", key: "device", files: os.DirFS("testdata/fourth"),
	Description: "how many visitors came with each kind of device",
	title:       "Visitors by device", nothing: "No events on this day.",
}

// withFourthJob adds the job until the test's end. The test must not be
// parallel: tests that are begin after it.
func withFourthJob(t *testing.T) {
	t.Helper()
	before := registry
	registry = append(slices.Clone(before), visitors)
	t.Cleanup(func() { registry = before })
}

// migratedForFourth is a warehouse whose newest migration is the example's.
func migratedForFourth(t *testing.T) *warehouse.Warehouse {
	t.Helper()
	text, err := os.ReadFile("testdata/fourth/migration.sql")
	if err != nil {
		t.Fatal(err)
	}
	return warehousetest.MigratedWith(t, string(text))
}

func TestTheExamplesMigrationMayBeRepeatedAndTakenBack(t *testing.T) {
	w := migratedForFourth(t)
	exec := func(sql string) {
		t.Helper()
		if err := w.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	rows := func() (n uint64, err error) {
		err = w.Conn().QueryRow(t.Context(), "SELECT count() FROM visitors_daily").Scan(&n)
		return n, err
	}
	exec("INSERT INTO visitors_daily (day, device, visitors) VALUES ('2026-05-01', 'mobile', 2)")
	// As after one that was cut off before its version was noted.
	exec("DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	applied, err := w.Migrate(t.Context())
	if err != nil || len(applied) != 1 {
		t.Fatalf("repeated: %+v and %v, want one migration", applied, err)
	}
	if n, err := rows(); err != nil || n != 1 {
		t.Errorf("%d rows and %v after it was repeated, want the one that was there", n, err)
	}
	if back, err := w.MigrateDown(t.Context()); err != nil || len(back) != 1 || back[0].Version != applied[0].Version {
		t.Fatalf("taken back: %+v and %v, want the example's", back, err)
	}
	if n, err := rows(); err == nil {
		t.Errorf("the table has %d rows after its migration was taken back", n)
	}
	if again, err := w.Migrate(t.Context()); err != nil || len(again) != 1 {
		t.Fatalf("applied again: %+v and %v", again, err)
	}
	if n, err := rows(); err != nil || n != 0 {
		t.Errorf("%d rows and %v in the new table, want none", n, err)
	}
}

func TestAFourthJobRunsIsBackfilledAndReported(t *testing.T) {
	withFourthJob(t)
	r, err := New(Config{Warehouse: migratedForFourth(t), Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	l := newTestLog(r)
	days := DaysBetween(NewDay(2026, time.May, 1), NewDay(2026, time.May, 2))
	for _, day := range days {
		from, _ := day.Bounds(time.UTC)
		l.add(t, view("ann", "p", event.MillisOf(from)), view("bob", "p", event.MillisOf(from)))
	}
	l.r.cfg.Broker = openBroker(t)
	fillLog(t, l.r, l.ends)("")
	runs, err := l.r.RunDays(t.Context(), Backfilling{Days: days})
	if err != nil || len(runs) != len(Jobs())*len(days) {
		t.Fatalf("%d runs and %v, want %d jobs for %d days", len(runs), err, len(Jobs()), len(days))
	}
	due, err := l.r.LastDue(t.Context())
	if err != nil || len(due) != len(Jobs()) {
		t.Errorf("%d due jobs and %v, want %d", len(due), err, len(Jobs()))
	}
	report, err := l.r.Report(t.Context(), days[0])
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	if want := "\nVisitors by device\n" + "  device   visitors\n" + "  unknown  2\n"; !strings.Contains(text.String(), want) {
		t.Errorf("the report has no section %q:\n%s", want, text.String())
	}
}
