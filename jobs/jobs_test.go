package jobs

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func TestJ1_ReportsAreWhatBruteForceFinds(t *testing.T) {
	t.Parallel()
	for _, zone := range []struct {
		name string
		day  Day
	}{
		{"UTC", NewDay(2026, time.May, 12)},
		{"Europe/Berlin", NewDay(2026, time.March, 29)},   // 23 hours
		{"Europe/Berlin", NewDay(2026, time.October, 25)}, // 25 hours
		{"Asia/Kathmandu", NewDay(2026, time.May, 12)},    // UTC+5:45
	} {
		t.Run(zone.name+" "+zone.day.String(), func(t *testing.T) {
			t.Parallel()
			loc := location(t, zone.name)
			l := newTestLog(newRunner(t, loc))
			// Copies are to stay as they came.
			if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), "SYSTEM STOP MERGES event_log"); err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(7, uint64(zone.day)))
			from, _ := (zone.day - 1).Bounds(loc)
			_, to := (zone.day + 1).Bounds(loc)
			events := randomEvents(rng, 3000, from, to)
			l.add(t, events[:2000]...)
			// Later copies, some with other fields: the first ones count.
			for range 300 {
				e := events[rng.IntN(2000)]
				e.Price, e.UserID = e.Price/2, "somebody else"
				l.add1(e)
			}
			l.flush(t)
			offsets := l.offsets()
			// What came after the run's offsets does not count, and neither do
			// copies of it.
			l.add(t, events[2000:]...)
			l.add(t, events[1900:2100]...)

			for _, job := range Jobs() {
				for _, day := range []Day{zone.day - 1, zone.day, zone.day + 1} {
					run := l.runUpTo(t, job.Name, day, offsets)
					from, to := day.Bounds(loc)
					want := models[job.Name](dayEvents(l, from, to, offsets))
					got := tableRows(t, l.r, job.Name, day)
					if !slices.Equal(got, want) || len(want) == 0 {
						t.Errorf("%s of %s:\n got %q\nwant %q", job.Name, day, got, want)
					}
					if run.Rows != uint64(len(want)) {
						t.Errorf("%s of %s: the run counts %d rows of %d", job.Name, day, run.Rows, len(want))
					}
				}
			}
		})
	}
}

func TestJ1_TheSameOffsetsGiveTheSameRowsAndOtherDaysStay(t *testing.T) {
	t.Parallel()
	day := NewDay(2026, time.May, 12)
	l := newTestLog(newRunner(t, time.UTC))
	from, _ := (day - 1).Bounds(time.UTC)
	_, to := (day + 1).Bounds(time.UTC)
	events := randomEvents(rand.New(rand.NewPCG(1, 2)), 1000, from, to)
	l.add(t, events[:700]...)
	offsets := l.offsets()
	l.runAll(t, day-1, day, day+1)
	before := make(map[jobDay][]string)
	for _, job := range Jobs() {
		for d := day - 1; d <= day+1; d++ {
			before[jobDay{job.Name, d}] = tableRows(t, l.r, job.Name, d)
		}
	}

	l.add(t, events[700:]...)
	for _, job := range Jobs() {
		l.runUpTo(t, job.Name, day, offsets)
		if got := tableRows(t, l.r, job.Name, day); !slices.Equal(got, before[jobDay{job.Name, day}]) {
			t.Errorf("%s again with the same offsets:\n got %q\nwant %q", job.Name, got, before[jobDay{job.Name, day}])
		}
		l.run(t, job.Name, day)
		if slices.Equal(tableRows(t, l.r, job.Name, day), before[jobDay{job.Name, day}]) {
			t.Errorf("%s with more events has the rows of before", job.Name)
		}
		for _, other := range []Day{day - 1, day + 1} {
			if got := tableRows(t, l.r, job.Name, other); !slices.Equal(got, before[jobDay{job.Name, other}]) {
				t.Errorf("%s of %s was changed by a run for %s", job.Name, other, day)
			}
		}
	}
}

func TestJ1_ReadersSeeTheOldRowsOrTheNew(t *testing.T) {
	t.Parallel()
	day := NewDay(2026, time.May, 12)
	l := newTestLog(newRunner(t, time.UTC))
	from, to := day.Bounds(time.UTC)
	l.add(t, randomEvents(rand.New(rand.NewPCG(1, 2)), 500, from, to)...)
	rows := l.run(t, UserSegmentation, day).Rows

	ctx, stop := context.WithCancel(t.Context())
	var reader errgroup.Group
	reader.Go(func() error {
		for ctx.Err() == nil {
			got, err := readStrings(context.WithoutCancel(ctx), l.r, `SELECT concatWithSeparator(' ', uniqExact(run_id), count()) FROM user_segmentation_daily`)
			if err != nil {
				return err
			}
			if want := fmt.Sprint(1, " ", rows); got[0] != want {
				return fmt.Errorf("a reader saw %q (runs and rows), want %q", got[0], want)
			}
		}
		return nil
	})
	// Two at a time: whichever is last, its rows are whole.
	var runs errgroup.Group
	runs.SetLimit(2)
	job, err := Find(UserSegmentation)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		runs.Go(func() error {
			_, err := l.r.run(t.Context(), job, day, Manual, 1, l.offsets())
			return err
		})
	}
	if err := runs.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	if err := reader.Wait(); err != nil {
		t.Error(err)
	}
}

func TestADayWithoutEventsIsCleared(t *testing.T) {
	t.Parallel()
	day := NewDay(2026, time.May, 12)
	l := newTestLog(newRunner(t, time.UTC))
	from, to := day.Bounds(time.UTC)
	l.add(t, randomEvents(rand.New(rand.NewPCG(1, 2)), 100, from, to)...)
	l.runAll(t, day)
	// As if the rows were left from another log.
	if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), "TRUNCATE TABLE event_log"); err != nil {
		t.Fatal(err)
	}
	l.runAll(t, day)
	for _, job := range Jobs() {
		if got := tableRows(t, l.r, job.Name, day); len(got) > 0 {
			t.Errorf("%s of a day without events has rows: %q", job.Name, got)
		}
	}
}

func TestAKilledRunLeavesNoHalfDayAndNoTable(t *testing.T) {
	t.Parallel()
	day := NewDay(2026, time.May, 12)
	l := newTestLog(newRunner(t, time.UTC))
	from, to := day.Bounds(time.UTC)
	l.add(t, randomEvents(rand.New(rand.NewPCG(1, 2)), 100, from, to)...)
	l.run(t, UserSegmentation, day)
	before := tableRows(t, l.r, UserSegmentation, day)

	// What a run leaves that was killed before it replaced the day.
	id, err := newRunID()
	if err != nil {
		t.Fatal(err)
	}
	killed := Run{ID: id, Job: UserSegmentation, Day: day, Timezone: "UTC", Attempt: 1, State: Running, Trigger: Manual, Started: time.Now()}
	if err := l.r.record(t.Context(), killed, versionBegun); err != nil {
		t.Fatal(err)
	}
	staging := stagingPrefix + hex.EncodeToString(id[:])
	if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), "CREATE TABLE "+staging+" AS user_segmentation_daily"); err != nil {
		t.Fatal(err)
	}
	left := func() []string {
		return read(t, l.r, "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '"+stagingPrefix+"')")
	}

	if err := l.r.clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{staging}) {
		t.Fatalf("tables of a run that may be alive: %q, want it untouched", got)
	}
	if got := tableRows(t, l.r, UserSegmentation, day); !slices.Equal(got, before) {
		t.Error("the killed run has changed the day")
	}

	l.r.cfg.Now = func() time.Time { return time.Now().Add(defaultTimeout + lostAfter + time.Minute) }
	if err := l.r.clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(); len(got) > 0 {
		t.Errorf("tables left by killed runs: %q", got)
	}
	runs, err := l.r.Runs(t.Context(), RunFilter{State: Failed})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].ID != id || runs[0].Error == "" || runs[0].Finished == nil {
		t.Errorf("failed runs: %+v, want the killed one with its reason", runs)
	}
}

// status reads the ledger without a broker.
func TestARunWithoutABrokerIsRefused(t *testing.T) {
	t.Parallel()
	r := newRunner(t, time.UTC)
	if _, err := r.Run(t.Context(), TopProducts, NewDay(2026, time.May, 12), Manual); err == nil || !strings.Contains(err.Error(), "a broker is needed") {
		t.Errorf("a run without a broker: %v, want an error that says so", err)
	}
}

func TestJ2_ARunWaitsUntilTheMirrorHasStoredTheLog(t *testing.T) {
	t.Parallel()
	day := NewDay(2026, time.May, 12)
	r := newRunner(t, time.UTC)
	r.cfg.Broker = openBroker(t)
	stored := fillLog(t, r, []int64{3, 4, 0})

	r.cfg.WaitForMirror = 500 * time.Millisecond
	run, err := r.Run(t.Context(), TopProducts, day, Manual)
	if err == nil || !strings.Contains(err.Error(), "the mirror has not stored the log") {
		t.Errorf("a run with a lag of the mirror: %v, want an error that says so", err)
	}
	if run.State != Failed || run.Error == "" {
		t.Errorf("run: %+v, want it failed", run)
	}

	// What was stored in tables that are gone is not there.
	stored("other tables")
	if _, err := r.Run(t.Context(), TopProducts, day, Manual); err == nil || !strings.Contains(err.Error(), "the mirror has not stored the log") {
		t.Errorf("a run with the rows in other tables: %v, want an error that says so", err)
	}

	stored("")
	r.cfg.WaitForMirror = defaultWaitForMirror
	run, err = r.Run(t.Context(), TopProducts, day, Manual)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{3, 4, 0}; !slices.Equal(run.Offsets, want) {
		t.Errorf("offsets read: %d, want %d", run.Offsets, want)
	}
	runs, err := r.Runs(t.Context(), RunFilter{Job: TopProducts, From: &day, To: &day})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 3 || runs[0].ID != run.ID || runs[0].State != Succeeded || !slices.Equal(runs[0].Offsets, run.Offsets) ||
		runs[0].Finished == nil || runs[0].Timezone != "UTC" || runs[0].Trigger != Manual || runs[1].State != Failed {
		t.Errorf("job_runs: %+v, want the run and the two failed ones before it", runs)
	}
}
