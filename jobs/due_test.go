package jobs

import (
	"testing"
	"time"
)

// A run of another day, however new, says nothing about the day that is due.
func TestADueRunIsLookedForByItsDay(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	r := newRunner(t, berlin)
	now := time.Date(2026, 11, 24, 1, 30, 0, 0, berlin) // of the three jobs the first is due for yesterday
	r.cfg.Now = func() time.Time { return now }
	record := func(job string, day Day, state State, ago time.Duration) {
		t.Helper()
		id, err := newRunID()
		if err != nil {
			t.Fatal(err)
		}
		run := Run{ID: id, Job: job, Day: day, Timezone: berlin.String(), Attempt: 1, State: state, Trigger: Schedule, Started: now.Add(-ago), Error: map[State]string{Failed: "no memory"}[state]}
		if state != Running {
			run.Finished = &now
		}
		if err := r.record(t.Context(), run, versionEnded); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := NewDay(2026, 11, 23)
	before := yesterday - 1
	check := func(want ...State) {
		t.Helper()
		due, err := r.LastDue(t.Context())
		if err != nil || len(due) != len(Jobs()) {
			t.Fatalf("%v, %v", due, err)
		}
		for i, d := range due {
			day := before
			if d.Job == UserSegmentation {
				day = yesterday
			}
			if d.State != want[i] || d.Day != day || (d.Run == nil) != (d.State == Missing) {
				t.Errorf("%s: %+v, want %s for %s", d.Job, d, want[i], day)
			}
		}
	}

	check(Missing, Missing, Missing)
	record(UserSegmentation, before, Succeeded, time.Hour)
	record(UserSegmentation, yesterday, Running, 2*time.Hour) // killed
	record(TopProducts, before, Failed, time.Hour)
	record(ConversionRates, yesterday, Succeeded, time.Minute) // made by hand, before it is due
	check(Missing, Failed, Missing)
	record(UserSegmentation, yesterday, Running, time.Minute)
	record(TopProducts, before, Succeeded, 2*time.Hour)
	record(ConversionRates, before, Failed, time.Hour)
	check(Running, Succeeded, Failed)
}
