package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Only says which of the days asked for are run.
type Only string

const (
	OnlyAll     Only = "all"
	OnlyMissing Only = "missing" // no run has succeeded
	OnlyFailed  Only = "failed"  // the newest run has failed
	OnlyStale   Only = "stale"   // a run has succeeded, but its rows are not right any more
)

// Backfilling asks for runs of jobs over days.
type Backfilling struct {
	Jobs    []string // empty: every job
	Days    []Day
	Only    Only    // empty: all
	Trigger Trigger // empty: backfill
	// Progress, which may be nil, is called for each run when it has ended.
	Progress func(done, total int, run Run)
}

// Planned is a run that a Backfilling would make, and why.
type Planned struct {
	Job string `json:"job"`
	Day Day    `json:"day"`
	Why string `json:"why"`
}

// DaysBetween lists the days from one to another, both included.
func DaysBetween(from, to Day) []Day {
	var days []Day
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	return days
}

// Days lists the days with events, in order.
func (r *Runner) Days(ctx context.Context) ([]Day, error) {
	var quarters []struct {
		Quarter int64 `ch:"quarter"`
	}
	if err := r.cfg.Warehouse.Conn().Select(ctx, &quarters, query("days")); err != nil {
		return nil, fmt.Errorf("look for days with events: %w", err)
	}
	days := make([]Day, 0, len(quarters))
	for _, q := range quarters {
		days = append(days, DayOf(time.Unix(q.Quarter, 0), r.location()))
	}
	slices.Sort(days)
	return slices.Compact(days), nil
}

// Plan lists the runs that RunDays would make, day by day.
func (r *Runner) Plan(ctx context.Context, b Backfilling) ([]Planned, error) {
	jobs, err := b.jobs()
	if err != nil || len(b.Days) == 0 {
		return nil, err
	}
	from, to := slices.Min(b.Days), slices.Max(b.Days)
	why, err := r.reasons(ctx, b.Only, jobs, from, to)
	if err != nil {
		return nil, err
	}
	var plan []Planned
	for _, day := range b.Days {
		for _, job := range jobs {
			if reason := why(job, day); reason != "" {
				plan = append(plan, Planned{job.Name, day, reason})
			}
		}
	}
	return plan, nil
}

// RunDays makes the runs that Plan lists, up to one end of the log for all of
// them. A run that fails does not keep the others from being made; the error
// names all that failed.
func (r *Runner) RunDays(ctx context.Context, b Backfilling) ([]Run, error) {
	plan, err := r.Plan(ctx, b)
	if err != nil || len(plan) == 0 {
		return nil, err
	}
	if err := r.clean(ctx); err != nil {
		return nil, err
	}
	offsets, err := r.storedOffsets(ctx)
	if err != nil {
		return nil, err
	}
	if b.Trigger == "" {
		b.Trigger = Backfill
	}
	var (
		runs []Run
		errs []error
	)
	for i, p := range plan {
		if ctx.Err() != nil {
			errs = append(errs, fmt.Errorf("%d of %d runs were not made: %w", len(plan)-i, len(plan), ctx.Err()))
			break
		}
		job, err := Find(p.Job)
		if err != nil {
			return runs, err
		}
		run, err := r.run(ctx, job, p.Day, b.Trigger, 1, offsets)
		if err != nil {
			errs = append(errs, err)
		}
		runs = append(runs, run)
		if b.Progress != nil {
			b.Progress(i+1, len(plan), run)
		}
	}
	return runs, errors.Join(errs...)
}

func (b Backfilling) jobs() ([]Job, error) {
	if len(b.Jobs) == 0 {
		return Jobs(), nil
	}
	var jobs []Job
	for _, name := range b.Jobs {
		job, err := Find(name)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// reasons returns a function that says why a job is to be run for a day, or ""
// if it is not.
func (r *Runner) reasons(ctx context.Context, only Only, jobs []Job, from, to Day) (func(Job, Day) string, error) {
	if only == OnlyAll || only == "" {
		return func(Job, Day) string { return "asked for" }, nil
	}
	succeeded, failed, err := r.latest(ctx, from, to)
	if err != nil {
		return nil, err
	}
	switch only {
	case OnlyMissing:
		return func(job Job, day Day) string {
			if _, ok := succeeded[jobDay{job.Name, day}]; ok {
				return ""
			}
			return "no run has succeeded"
		}, nil
	case OnlyFailed:
		return func(job Job, day Day) string {
			if run, ok := failed[jobDay{job.Name, day}]; ok {
				return "the newest run has failed: " + run.Error
			}
			return ""
		}, nil
	case OnlyStale:
		return r.staleReasons(ctx, succeeded, jobs, from, to)
	}
	return nil, fmt.Errorf("only is %q: give %s, %s, %s or %s", only, OnlyAll, OnlyMissing, OnlyFailed, OnlyStale)
}
