package jobs

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
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

// upStatements are those of a migration between Up and Down, on one server.
func upStatements(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, up, _ := strings.Cut(string(text), "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	return strings.NewReplacer("{{.OnCluster}}", "", "{{.Replicated}}", "").Replace(up)
}

func TestAFourthJobRunsIsBackfilledAndReported(t *testing.T) {
	withFourthJob(t)
	l := newTestLog(newRunner(t, time.UTC))
	if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), upStatements(t, "testdata/fourth/migration.sql")); err != nil {
		t.Fatal(err)
	}
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
