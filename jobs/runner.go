package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// Defaults of a Config's empty fields.
const (
	defaultTopProducts   = 5
	defaultWaitForMirror = 10 * time.Minute
	defaultTimeout       = time.Hour
)

const (
	stagingPrefix = "jobs_staging_"
	// How long after its timeout a run counts as lost: it takes time to record
	// the end, and clocks differ.
	lostAfter = 5 * time.Minute
	// For the last steps of a run: recording its end and removing its table;
	// less when the process has been asked to stop.
	timeToEnd, timeToStop = 30 * time.Second, 2 * time.Second
)

// Warehouse is what the jobs need of *warehouse.Warehouse: a connection to its
// database, and to know what the mirror has stored there.
type Warehouse interface {
	Conn() driver.Conn
	WaitStored(ctx context.Context, cl *broker.Client, topic string, ends broker.Offsets, progress func(left int64)) error
}

// Config of a Runner.
type Config struct {
	Warehouse Warehouse      // migrated; it stays the caller's to close
	Broker    *broker.Client // stays the caller's to close; nil: runs are read and none is made
	Location  *time.Location // of the shop; nil: UTC
	Log       zerolog.Logger

	TopProducts   int              // how many are in the table; 0: 5
	WaitForMirror time.Duration    // 0: 10 minutes
	Timeout       time.Duration    // of a run, the wait included; 0: an hour
	Now           func() time.Time // nil: time.Now
}

// Runner runs jobs. Its methods may be called at the same time, and by several
// processes.
type Runner struct{ cfg Config }

// New checks cfg; it does not connect.
func New(cfg Config) (*Runner, error) {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.TopProducts == 0 {
		cfg.TopProducts = defaultTopProducts
	}
	if cfg.WaitForMirror == 0 {
		cfg.WaitForMirror = defaultWaitForMirror
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	var errs []error
	if cfg.Warehouse == nil {
		errs = append(errs, errors.New("jobs: a warehouse is needed"))
	}
	if cfg.TopProducts < 0 {
		errs = append(errs, fmt.Errorf("jobs: %d top products: give a positive number, or 0 for the default", cfg.TopProducts))
	}
	if cfg.WaitForMirror < 0 || cfg.Timeout < 0 {
		errs = append(errs, fmt.Errorf("jobs: wait %s for the mirror, %s for a run: give positive times, or 0 for the defaults", cfg.WaitForMirror, cfg.Timeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Runner{cfg: cfg}, nil
}

func (r *Runner) location() *time.Location { return r.cfg.Location }

func (r *Runner) now() time.Time { return r.cfg.Now().UTC() }

// Run runs a job for a day: it fixes the end of the log, waits until the
// mirror has stored everything before it, and replaces the day's rows. A day
// that is not over yet may be run; what comes later makes it stale. The Run is
// returned also where it failed, and is in job_runs then unless the error says
// that it could not be recorded.
func (r *Runner) Run(ctx context.Context, job string, day Day, trigger Trigger) (Run, error) {
	return r.attempt(ctx, job, day, trigger, 1)
}

func (r *Runner) attempt(ctx context.Context, job string, day Day, trigger Trigger, attempt uint32) (Run, error) {
	j, err := Find(job)
	if err != nil {
		return Run{}, err
	}
	if err := r.clean(ctx); err != nil {
		return Run{}, err
	}
	return r.run(ctx, j, day, trigger, attempt, nil)
}

// run reads up to offsets, which the mirror has stored; nil asks the log.
func (r *Runner) run(ctx context.Context, job Job, day Day, trigger Trigger, attempt uint32, offsets []int64) (Run, error) {
	id, err := newRunID()
	if err != nil {
		return Run{}, err
	}
	run := Run{
		ID: id, Job: job.Name, Day: day, Timezone: r.location().String(), Attempt: attempt,
		State: Running, Trigger: trigger, Started: r.now(), Offsets: offsets,
	}
	if err := r.record(ctx, run, versionBegun); err != nil {
		return run, err
	}
	runErr := r.work(ctx, job, &run)
	if runErr != nil {
		runErr = fmt.Errorf("run %s for %s: %w", job.Name, day, runErr)
	}

	finished := r.now()
	run.Finished, run.State = &finished, Succeeded
	if runErr != nil {
		run.State, run.Error = Failed, runErr.Error()
	}
	recording, cancel := ending(ctx)
	defer cancel()
	if err := r.record(recording, run, versionEnded); err != nil {
		return run, errors.Join(runErr, err)
	}
	level := zerolog.InfoLevel
	if runErr != nil {
		level = zerolog.ErrorLevel
	}
	r.cfg.Log.WithLevel(level).Err(runErr).Str("job", run.Job).Stringer("day", run.Day).Str("trigger", string(run.Trigger)).Uint32("attempt", run.Attempt).
		Uint64("rows", run.Rows).Dur("took", run.Took()).Msg("job " + string(run.State))
	return run, runErr
}

// ending is for the last steps of a run, which are made also when ctx is over.
func ending(ctx context.Context) (context.Context, context.CancelFunc) {
	left := timeToEnd
	if ctx.Err() != nil {
		left = timeToStop
	}
	return context.WithTimeout(context.WithoutCancel(ctx), left)
}

// work makes the day's rows in a table of the run's own and puts them in the
// place of the old ones.
func (r *Runner) work(ctx context.Context, job Job, run *Run) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	if run.Offsets == nil {
		if run.Offsets, err = r.storedOffsets(ctx); err != nil {
			return err
		}
	}
	conn := r.cfg.Warehouse.Conn()
	staging := stagingPrefix + hex.EncodeToString(run.ID[:])
	// The server does not take these names as parameters everywhere. They are
	// ours: a table of Jobs, and a run id in hexadecimal digits.
	names := struct{ Staging, Report string }{staging, job.Table}
	if err := conn.Exec(ctx, warehouse.SQL(sqlFiles, "create_staging", names), clickhouse.Named("key", job.key)); err != nil {
		return fmt.Errorf("make a table for the new rows: %w", err)
	}
	defer func() {
		dropping, cancel := ending(ctx)
		defer cancel()
		if dropErr := conn.Exec(dropping, query("drop_staging"), clickhouse.Named("staging", staging)); dropErr != nil {
			// A later run drops it.
			r.cfg.Log.Warn().Err(dropErr).Str("table", staging).Msg("cannot drop a run's table")
		}
	}()

	from, to := run.Day.Bounds(r.location())
	if err := conn.Exec(ctx, warehouse.SQL(job.files, job.Name, nil),
		clickhouse.Named("staging", staging),
		clickhouse.Named("day", run.Day.String()),
		clickhouse.Named("from", from.UnixMilli()), clickhouse.Named("to", to.UnixMilli()),
		clickhouse.Named("offsets", run.Offsets),
		clickhouse.Named("run_id", run.ID.String()),
		clickhouse.Named("top", r.cfg.TopProducts),
	); err != nil {
		return fmt.Errorf("compute the day's rows: %w", err)
	}
	if err := conn.QueryRow(ctx, query("count_staging"), clickhouse.Named("staging", staging)).Scan(&run.Rows); err != nil {
		return fmt.Errorf("count the day's rows: %w", err)
	}
	replace := "replace_day"
	if run.Rows == 0 {
		replace = "clear_day"
	}
	if err := conn.Exec(ctx, warehouse.SQL(sqlFiles, replace, names), clickhouse.Named("day", run.Day.String())); err != nil {
		return fmt.Errorf("replace the day's rows: %w", err)
	}
	return nil
}

// storedOffsets asks for the end of the log and waits until the mirror has
// stored everything before it.
func (r *Runner) storedOffsets(ctx context.Context) ([]int64, error) {
	if r.cfg.Broker == nil {
		return nil, errors.New("jobs: a broker is needed to run a job")
	}
	waiting, cancel := context.WithTimeout(ctx, r.cfg.WaitForMirror)
	defer cancel()
	topic := r.cfg.Broker.Topics().Events
	ends, err := r.cfg.Broker.EndOffsets(waiting, topic)
	if err != nil {
		return nil, err
	}
	err = r.cfg.Warehouse.WaitStored(waiting, r.cfg.Broker, topic, ends, nil)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return nil, fmt.Errorf("the mirror has not stored the log up to its end within %s; look at its lag with clickstream status, and start it with clickstream serve if it does not run: %w", r.cfg.WaitForMirror, err)
	}
	if err != nil {
		return nil, err
	}
	offsets := make([]int64, len(ends))
	for p, end := range ends {
		if int(p) >= len(offsets) {
			return nil, fmt.Errorf("topic %s has partition %d but only %d partitions", topic, p, len(ends))
		}
		offsets[p] = end
	}
	return offsets, nil
}
