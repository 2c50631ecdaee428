package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// fakeClock stands still until somebody waits: then it is that much later.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	ch := make(chan time.Time, 1)
	ch <- c.now
	return ch
}

// fakeRunner writes down what is run, and ends the schedule after some runs.
type fakeRunner struct {
	clock     *fakeClock
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
	f.ran = append(f.ran, f.clock.Now().In(f.loc).Format("01-02 15:04 MST ")+what)
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

// schedule runs a Scheduler from a moment on until so many runs were made.
func schedule(t *testing.T, zone, from string, runs int, set func(*Scheduler, *fakeRunner)) []string {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	loc := location(t, zone)
	clock := &fakeClock{now: at(t, loc, from).Time()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := &fakeRunner{clock: clock, loc: loc, stopAfter: runs, stop: cancel, succeeded: map[jobDay]Run{}}
	// Yesterday is done unless the test says otherwise.
	for _, job := range Jobs() {
		for d := range Day(10) {
			f.succeeded[jobDay{job.Name, DayOf(clock.now, loc) - 1 - d}] = Run{}
		}
	}
	s := &Scheduler{Clock: clock}
	if set != nil {
		set(s, f)
	}
	if err := s.schedule(ctx, f); err != nil {
		t.Fatal(err)
	}
	return f.ran
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
	got := schedule(t, "UTC", "2026-05-12 12:00:00", 3, func(_ *Scheduler, f *fakeRunner) {
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
		got := schedule(t, "UTC", "2026-05-12 12:00:00", len(want), func(s *Scheduler, f *fakeRunner) {
			s.CatchUp = days
			for _, day := range []int{8, 10, 11} { // the 8th is too long ago
				delete(f.succeeded, jobDay{TopProducts, NewDay(2026, time.May, day)})
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("runs after a catch-up of %d days:\n got %q\nwant %q", days, got, want)
		}
	}
}

func TestSchedulerWaitsForTheWarehouse(t *testing.T) {
	want := []string{"05-12 01:10 UTC user_segmentation 2026-05-11 1"}
	got := schedule(t, "UTC", "2026-05-12 00:55:00", 1, func(_ *Scheduler, f *fakeRunner) {
		f.unreached = 3
		clear(f.succeeded)
	})
	if !slices.Equal(got, want) {
		t.Errorf("runs:\n got %q\nwant %q", got, want)
	}
}

func TestSchedulerStopsWhileItWaits(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	f := &fakeRunner{clock: &fakeClock{}, loc: time.UTC, stop: cancel}
	s := &Scheduler{Clock: stuckClock{cancel}}
	if err := s.schedule(ctx, f); err != nil {
		t.Errorf("a schedule that was stopped: %v, want nil", err)
	}
	if len(f.ran) > 0 {
		t.Errorf("it ran %q", f.ran)
	}
}

// A stop is no fault: a process that ends at once, say because a port is taken,
// must not begin its log with an error of another role.
func TestSchedulerStopsInSilence(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var logged bytes.Buffer
	f := &fakeRunner{clock: &fakeClock{}, loc: time.UTC, stop: cancel, stopped: true}
	s := &Scheduler{Clock: f.clock, Log: zerolog.New(&logged)}
	if err := s.schedule(ctx, f); err != nil {
		t.Errorf("a schedule that was stopped: %v, want nil", err)
	}
	if logged.Len() > 0 {
		t.Errorf("it logged %s", &logged)
	}
}

// stuckClock is told to stop when somebody waits for it.
type stuckClock struct{ waited context.CancelFunc }

func (stuckClock) Now() time.Time { return time.Date(2026, time.May, 12, 0, 30, 0, 0, time.UTC) }
func (c stuckClock) After(time.Duration) <-chan time.Time {
	c.waited()
	return nil
}
