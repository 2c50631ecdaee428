package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// Defaults of a SchedulerConfig's empty fields.
const (
	defaultRetryAfter = 5 * time.Minute
	defaultCatchUp    = 1
)

// The longest sleep in one piece: a machine that was suspended, or whose clock
// was set, notices within it.
const longestSleep = time.Minute

// SchedulerConfig is the Config of a Scheduler.
type SchedulerConfig struct {
	Runner *Runner
	Log    zerolog.Logger

	RetryAfter time.Duration // 0: 5 minutes
	CatchUp    int           // of how many days that a job was due for, 1 to 7; 0: 1
}

// Scheduler runs each job at its hour, by the shop's clock, for the day
// before. An hour that the clock leaves out is its first instant after; one
// that comes twice counts once. A run that fails is tried once more. At its
// start it runs what has not succeeded of the last days that it was due for.
type Scheduler struct{ cfg SchedulerConfig }

// NewScheduler checks cfg.
func NewScheduler(cfg SchedulerConfig) (*Scheduler, error) {
	if cfg.RetryAfter == 0 {
		cfg.RetryAfter = defaultRetryAfter
	}
	if cfg.CatchUp == 0 {
		cfg.CatchUp = defaultCatchUp
	}
	var errs []error
	if cfg.Runner == nil {
		errs = append(errs, errors.New("scheduler: a runner is needed"))
	}
	if cfg.RetryAfter < 0 {
		errs = append(errs, fmt.Errorf("scheduler: try again after %s: give a positive time, or 0 for the default", cfg.RetryAfter))
	}
	if cfg.CatchUp < 0 || cfg.CatchUp > 7 {
		errs = append(errs, fmt.Errorf("scheduler: catch up %d days: give 1 to 7", cfg.CatchUp))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Scheduler{cfg: cfg}, nil
}

// due is a run that is to be made.
type due struct {
	at      time.Time
	job     Job
	day     Day
	attempt uint32
	regular bool // the job's next day follows it
}

// scheduled is what a Scheduler needs of a Runner.
type scheduled interface {
	attempt(ctx context.Context, job string, day Day, trigger Trigger, attempt uint32) (Run, error)
	latest(ctx context.Context, from, to Day) (succeeded, failed map[jobDay]Run, err error)
	location() *time.Location
}

// Run schedules until ctx is cancelled, and returns nil then.
func (s *Scheduler) Run(ctx context.Context) error { return s.schedule(ctx, s.cfg.Runner) }

func (s *Scheduler) schedule(ctx context.Context, runner scheduled) error {
	queue, err := s.begin(ctx, runner)
	for err == nil {
		slices.SortStableFunc(queue, func(a, b due) int { return a.at.Compare(b.at) })
		next := queue[0]
		if now().Before(next.at) {
			s.cfg.Log.Info().Str("job", next.job.Name).Stringer("day", next.day).Time("at", next.at.In(runner.location())).Msg("next job")
		}
		if err = sleepUntil(ctx, next.at); err != nil {
			break
		}
		queue = queue[1:]
		// The Runner logs how a run ended.
		if _, failure := runner.attempt(ctx, next.job.Name, next.day, Schedule, next.attempt); failure != nil && next.attempt == 1 {
			retry := next
			retry.at, retry.attempt, retry.regular = now().Add(s.cfg.RetryAfter), 2, false
			queue = append(queue, retry)
		}
		if next.regular {
			// After a long sleep only the last days are made up for.
			day := max(next.day+1, s.oldest(next.job, runner.location()))
			queue = append(queue, due{at: next.job.due(day, runner.location()), job: next.job, day: day, attempt: 1, regular: true})
		}
		err = ctx.Err()
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // to be stopped is no failure
	}
	return err
}

// begin lists what was missed, and when each job is due next.
func (s *Scheduler) begin(ctx context.Context, runner scheduled) ([]due, error) {
	loc := runner.location()
	for {
		at := now()
		yesterday := DayOf(at, loc) - 1
		// Before its hour a job was last due for the day before yesterday.
		succeeded, _, err := runner.latest(ctx, yesterday-Day(s.cfg.CatchUp), yesterday)
		if ctx.Err() != nil { // stopped during the query: nothing is wrong
			return nil, ctx.Err()
		}
		if err != nil {
			s.cfg.Log.Error().Err(err).Dur("retry_after", s.cfg.RetryAfter).Msg("cannot read which jobs have run")
			if err := sleepUntil(ctx, at.Add(s.cfg.RetryAfter)); err != nil {
				return nil, err
			}
			continue
		}
		var queue []due
		for _, job := range Jobs() {
			day := s.oldest(job, loc)
			for ; !job.due(day, loc).After(at); day++ {
				if _, ok := succeeded[jobDay{job.Name, day}]; !ok {
					s.cfg.Log.Info().Str("job", job.Name).Stringer("day", day).Msg("job was missed: running it now")
					queue = append(queue, due{at: job.due(day, loc), job: job, day: day, attempt: 1})
				}
			}
			queue = append(queue, due{at: job.due(day, loc), job: job, day: day, attempt: 1, regular: true})
		}
		return queue, nil
	}
}

// oldest is the earliest day of a job that is made up for.
func (s *Scheduler) oldest(job Job, loc *time.Location) Day {
	return job.lastDue(now(), loc) + 1 - Day(s.cfg.CatchUp)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := t.Sub(now())
		if left <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(left, longestSleep)):
		}
	}
}

// now is the time of day without the monotonic clock, which stands still while
// the machine is suspended.
func now() time.Time { return time.Now().Round(0) }
