package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
)

// Versions of a run in job_run_log: the highest that was written counts. So a
// run that was given up and ends after all is shown as it ended.
const (
	versionBegun uint8 = iota
	versionGivenUp
	versionEnded
)

// record writes the run's state.
func (r *Runner) record(ctx context.Context, run Run, version uint8) error {
	batch, err := r.cfg.Warehouse.Conn().PrepareBatch(ctx, `INSERT INTO job_run_log
		(run_id, job, day, timezone, attempt, state, trigger, started_at, finished_at, rows, error, offsets, version)`)
	if err != nil {
		return fmt.Errorf("record run %s of %s for %s: %w", run.ID, run.Job, run.Day, err)
	}
	defer batch.Close()
	err = batch.Append(run.ID, run.Job, run.Day.date(), run.Timezone, run.Attempt, string(run.State), string(run.Trigger),
		run.Started, run.Finished, run.Rows, run.Error, run.Offsets, version)
	if err == nil {
		err = batch.Send()
	}
	if err != nil {
		return fmt.Errorf("record run %s of %s for %s: %w", run.ID, run.Job, run.Day, err)
	}
	return nil
}

// RunFilter says which runs to list. The zero value asks for the latest 100.
type RunFilter struct {
	Job      string // empty: every job
	From, To *Day   // nil: no bound; both are included
	State    State  // empty: every state
	Limit    int    // 0: 100
}

// Runs lists runs, the latest first.
func (r *Runner) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	from, to := Day(0), NewDay(2149, 1, 1)
	if f.From != nil {
		from = *f.From
	}
	if f.To != nil {
		to = *f.To
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return r.queryRuns(ctx, query("runs"),
		clickhouse.Named("job", f.Job), clickhouse.Named("state", string(f.State)),
		clickhouse.Named("from", from.String()), clickhouse.Named("to", to.String()),
		clickhouse.Named("limit", f.Limit))
}

func (r *Runner) queryRuns(ctx context.Context, q string, args ...any) ([]Run, error) {
	rows, err := r.cfg.Warehouse.Conn().Query(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("read job_runs: %w", err)
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		var (
			run            Run
			day            time.Time
			state, trigger string
		)
		if err := rows.Scan(&run.ID, &run.Job, &day, &run.Timezone, &run.Attempt, &state, &trigger,
			&run.Started, &run.Finished, &run.Rows, &run.Error, &run.Offsets); err != nil {
			return nil, fmt.Errorf("read job_runs: %w", err)
		}
		run.Day, run.State, run.Trigger = NewDay(day.Date()), State(state), Trigger(trigger)
		runs = append(runs, run)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read job_runs: %w", err)
	}
	return runs, nil
}

// jobDay is what a run is for.
type jobDay struct {
	job string
	day Day
}

// latest returns, for each job and day from one day to another, the newest
// successful run, and the newest failed one where none has succeeded since.
func (r *Runner) latest(ctx context.Context, from, to Day) (succeeded, failed map[jobDay]Run, err error) {
	runs, err := r.queryRuns(ctx, query("latest_runs"),
		clickhouse.Named("from", from.String()), clickhouse.Named("to", to.String()))
	if err != nil {
		return nil, nil, err
	}
	succeeded, failed = make(map[jobDay]Run), make(map[jobDay]Run)
	for _, run := range runs { // in the order in which they ended
		k := jobDay{run.Job, run.Day}
		switch run.State {
		case Succeeded:
			succeeded[k] = run
			delete(failed, k)
		case Failed:
			failed[k] = run
		}
	}
	return succeeded, failed, nil
}

// clean removes what runs that were killed have left, and records that
// these have failed. A run that may still run is not touched.
func (r *Runner) clean(ctx context.Context) error {
	lost := r.now().Add(-r.cfg.Timeout - lostAfter).UnixMilli()
	if err := r.cfg.Warehouse.Conn().Exec(ctx, query("give_up_lost_runs"),
		clickhouse.Named("lost_before", lost), clickhouse.Named("version", versionGivenUp)); err != nil {
		return fmt.Errorf("record the runs that were killed: %w", err)
	}
	var tables []struct {
		Name string `ch:"name"`
	}
	if err := r.cfg.Warehouse.Conn().Select(ctx, &tables, query("lost_staging_tables"),
		clickhouse.Named("prefix", stagingPrefix), clickhouse.Named("lost_before", lost)); err != nil {
		return fmt.Errorf("look for the tables of runs that were killed: %w", err)
	}
	for _, t := range tables {
		if err := r.cfg.Warehouse.Conn().Exec(ctx, query("drop_staging"), clickhouse.Named("staging", t.Name)); err != nil {
			return fmt.Errorf("drop %s, left by a run that was killed: %w", t.Name, err)
		}
	}
	return nil
}

// newRunID is a UUID whose order is that of time.
func newRunID() (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make a run id: %w", err)
	}
	return id, nil
}
