package jobs

import (
	"context"
	"time"
)

// Missing is the state of a due run that was not made.
const Missing State = "missing"

// DueRun says how a job stands with the last day that it is due for.
type DueRun struct {
	Job string    `json:"job"`
	Day Day       `json:"day"`
	Due time.Time `json:"due"`
	// State is Succeeded if the day has a successful run, else that of its
	// newest run, or Missing.
	State State `json:"state"`
	Run   *Run  `json:"run"` // nil where it is missing
}

// LastDue returns, for each job, how it stands with the last day it was due for.
func (r *Runner) LastDue(ctx context.Context) ([]DueRun, error) {
	now := r.now()
	var all []DueRun
	for _, job := range Jobs() {
		day := job.lastDue(now, r.location())
		run, err := r.newest(ctx, job.Name, day)
		if err != nil {
			return nil, err
		}
		d := DueRun{Job: job.Name, Day: day, Due: job.due(day, r.location()), State: Missing, Run: run}
		if run != nil {
			d.State = run.State
		}
		all = append(all, d)
	}
	return all, nil
}

// newest is the run that counts for a day: the newest successful one, else the
// newest that has not been given up, or nil.
func (r *Runner) newest(ctx context.Context, job string, day Day) (*Run, error) {
	for _, state := range []State{Succeeded, ""} {
		runs, err := r.Runs(ctx, RunFilter{Job: job, From: &day, To: &day, State: state, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(runs) == 0 {
			continue
		}
		if run := runs[0]; run.State != Running || r.now().Sub(run.Started) < r.cfg.Timeout+lostAfter {
			return &run, nil
		}
	}
	return nil, nil
}
