package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// fakeRunner writes down what is run, and ends the schedule after some runs.
type fakeRunner struct {
	loc       *time.Location
	fails     map[string]bool // "job day attempt"
	succeeded map[jobDay]Run
	stopAfter int
	stop      context.CancelFunc
	stopped   bool // it is stopped while the ledger is read
	unreached int  // how often the ledger cannot be read at first
	ran       []string
}

func (f *fakeRunner) location() *time.Location { return f.loc }

func (f *fakeRunner) latest(context.Context, Day, Day) (map[jobDay]Run, map[jobDay]Run, error) {
	if f.stopped {
		f.stop()
		return nil, nil, context.Canceled
	}
	if f.unreached > 0 {
		f.unreached--
		return nil, nil, errors.New("no warehouse")
	}
	return f.succeeded, nil, nil
}

func (f *fakeRunner) attempt(_ context.Context, job string, day Day, trigger Trigger, attempt uint32) (Run, error) {
	what := fmt.Sprint(job, " ", day, " ", attempt)
	f.ran = append(f.ran, time.Now().In(f.loc).Format("01-02 15:04 MST ")+what)
	if len(f.ran) == f.stopAfter {
		f.stop()
	}
	if trigger != Schedule {
		return Run{}, fmt.Errorf("trigger is %s", trigger)
	}
	if f.fails[what] {
		return Run{}, errors.New("it failed")
	}
	return Run{}, nil
}

// newScheduler returns a Scheduler whose runner the test gives to schedule.
func newScheduler(t *testing.T, cfg SchedulerConfig) *Scheduler {
	t.Helper()
	cfg.Runner = &Runner{}
	s, err := NewScheduler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// schedule runs a Scheduler from a moment on until so many runs were made. Its
// time is that of a synctest bubble, which stands still until everybody waits.
func schedule(t *testing.T, zone, from string, runs int, set func(*SchedulerConfig, *fakeRunner)) []string {
	t.Helper()
	loc := location(t, zone)
	var ran []string
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(at(t, loc, from).Time()))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &fakeRunner{loc: loc, stopAfter: runs, stop: cancel, succeeded: map[jobDay]Run{}}
		// Yesterday is done unless the test says otherwise.
		for _, job := range Jobs() {
			for d := range Day(10) {
				f.succeeded[jobDay{job.Name, DayOf(time.Now(), loc) - 1 - d}] = Run{}
			}
		}
		var cfg SchedulerConfig
		if set != nil {
			set(&cfg, f)
		}
		if err := newScheduler(t, cfg).schedule(ctx, f); err != nil {
			t.Fatal(err)
		}
		ran = f.ran
	})
	return ran
}

func TestSchedulerRunsEachJobAtItsHour(t *testing.T) {
	for _, c := range []struct {
		name, zone, from string
		want             []string
	}{
		{"an ordinary night", "UTC", "2026-05-12 12:00:00", []string{
			"05-13 01:00 UTC user_segmentation 2026-05-12 1",
			"05-13 02:00 UTC top_products 2026-05-12 1",
			"05-13 03:00 UTC conversion_rates 2026-05-12 1",
			"05-14 01:00 UTC user_segmentation 2026-05-13 1",
		}},
		{"02:00 is left out", "Europe/Berlin", "2026-03-28 12:00:00", []string{
			"03-29 01:00 CET user_segmentation 2026-03-28 1",
			"03-29 03:00 CEST top_products 2026-03-28 1",
			"03-29 03:00 CEST conversion_rates 2026-03-28 1",
			"03-30 01:00 CEST user_segmentation 2026-03-29 1",
			"03-30 02:00 CEST top_products 2026-03-29 1",
			"03-30 03:00 CEST conversion_rates 2026-03-29 1",
		}},
		{"02:00 comes twice", "Europe/Berlin", "2026-10-24 12:00:00", []string{
			"10-25 01:00 CEST user_segmentation 2026-10-24 1",
			"10-25 02:00 CEST top_products 2026-10-24 1",
			"10-25 03:00 CET conversion_rates 2026-10-24 1",
			"10-26 01:00 CET user_segmentation 2026-10-25 1",
		}},
		{"started between two jobs", "UTC", "2026-05-12 02:30:00", []string{
			"05-12 03:00 UTC conversion_rates 2026-05-11 1",
			"05-13 01:00 UTC user_segmentation 2026-05-12 1",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := schedule(t, c.zone, c.from, len(c.want), nil); !slices.Equal(got, c.want) {
				t.Errorf("runs:\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestSchedulerTriesAFailedRunOnceMore(t *testing.T) {
	want := []string{
		"05-13 01:00 UTC user_segmentation 2026-05-12 1",
		"05-13 01:05 UTC user_segmentation 2026-05-12 2",
		"05-13 02:00 UTC top_products 2026-05-12 1",
	}
	got := schedule(t, "UTC", "2026-05-12 12:00:00", 3, func(_ *SchedulerConfig, f *fakeRunner) {
		f.fails = map[string]bool{"user_segmentation 2026-05-12 1": true, "user_segmentation 2026-05-12 2": true}
	})
	if !slices.Equal(got, want) {
		t.Errorf("runs:\n got %q\nwant %q", got, want)
	}
}

func TestSchedulerCatchesUpWhatWasMissed(t *testing.T) {
	for days, want := range map[int][]string{
		0: {
			"05-12 12:00 UTC top_products 2026-05-11 1",
			"05-13 01:00 UTC user_segmentation 2026-05-12 1",
		},
		3: {
			"05-12 12:00 UTC top_products 2026-05-10 1",
			"05-12 12:00 UTC top_products 2026-05-11 1",
			"05-13 01:00 UTC user_segmentation 2026-05-12 1",
		},
	} {
		got := schedule(t, "UTC", "2026-05-12 12:00:00", len(want), func(cfg *SchedulerConfig, f *fakeRunner) {
			cfg.CatchUp = days
			for _, day := range []int{8, 10, 11} { // the 8th is too long ago
				delete(f.succeeded, jobDay{TopProducts, NewDay(2026, time.May, day)})
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("runs after a catch-up of %d days:\n got %q\nwant %q", days, got, want)
		}
	}
}

// Between midnight and its hour a job was last due for the day before yesterday.
// status asks for that run, so an instance that starts then makes it.
func TestSchedulerCatchesUpTheLastDueDayBeforeTheHourToo(t *testing.T) {
	want := []string{
		"05-12 00:30 UTC user_segmentation 2026-05-10 1",
		"05-12 01:00 UTC user_segmentation 2026-05-11 1",
	}
	got := schedule(t, "UTC", "2026-05-12 00:30:00", len(want), func(_ *SchedulerConfig, f *fakeRunner) {
		for _, day := range []int{9, 10, 11} { // the 9th is too long ago
			delete(f.succeeded, jobDay{UserSegmentation, NewDay(2026, time.May, day)})
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("runs:\n got %q\nwant %q", got, want)
	}
}

func TestSchedulerWaitsForTheWarehouse(t *testing.T) {
	want := []string{"05-12 01:10 UTC user_segmentation 2026-05-11 1"}
	got := schedule(t, "UTC", "2026-05-12 00:55:00", 1, func(_ *SchedulerConfig, f *fakeRunner) {
		f.unreached = 3
		for _, job := range Jobs() {
			delete(f.succeeded, jobDay{job.Name, NewDay(2026, time.May, 11)})
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("runs:\n got %q\nwant %q", got, want)
	}
}

func TestSchedulerStopsWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble's time begins at midnight, an hour before the first job.
		const wait = 10*time.Minute + time.Second
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		f := &fakeRunner{loc: time.UTC, succeeded: map[jobDay]Run{}}
		for _, job := range Jobs() {
			f.succeeded[jobDay{job.Name, job.lastDue(began, time.UTC)}] = Run{}
		}
		if err := newScheduler(t, SchedulerConfig{}).schedule(ctx, f); err != nil {
			t.Errorf("a schedule that was stopped: %v, want nil", err)
		}
		if len(f.ran) > 0 || time.Since(began) != wait {
			t.Errorf("it ran %q and stopped after %s, want nothing and %s", f.ran, time.Since(began), wait)
		}
	})
}

// A stop is no fault: a process that ends at once, say because a port is taken,
// must not begin its log with an error of another role.
func TestSchedulerStopsInSilence(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var logged bytes.Buffer
	f := &fakeRunner{loc: time.UTC, stop: cancel, stopped: true}
	s := newScheduler(t, SchedulerConfig{Log: zerolog.New(&logged)})
	if err := s.schedule(ctx, f); err != nil {
		t.Errorf("a schedule that was stopped: %v, want nil", err)
	}
	if logged.Len() > 0 {
		t.Errorf("it logged %s", &logged)
	}
}

func TestConfigsAreCheckedBeforeAnythingRuns(t *testing.T) {
	if _, err := New(Config{TopProducts: -1, Timeout: -time.Second}); err == nil ||
		!strings.Contains(err.Error(), "a warehouse is needed") || !strings.Contains(err.Error(), "-1 top products") || !strings.Contains(err.Error(), "-1s for a run") {
		t.Errorf("New: %v, want all three problems", err)
	}
	if _, err := NewScheduler(SchedulerConfig{RetryAfter: -time.Second, CatchUp: 8}); err == nil ||
		!strings.Contains(err.Error(), "a runner is needed") || !strings.Contains(err.Error(), "after -1s") || !strings.Contains(err.Error(), "8 days") {
		t.Errorf("NewScheduler: %v, want all three problems", err)
	}
}
