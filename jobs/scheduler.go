package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// Defaults of a Scheduler's empty fields.
const (
	DefaultRetryAfter = 5 * time.Minute
	DefaultCatchUp    = 1
)

// The longest sleep in one piece: a machine that was suspended, or whose clock
// was set, notices within it.
const longestSleep = time.Minute

// Clock tells the time and waits; tests bring their own.
type Clock interface {
	Now() time.Time
	After(time.Duration) <-chan time.Time
}

type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Scheduler runs each job at its hour, by the shop's clock, for the day
// before. An hour that the clock leaves out is its first instant after; one
// that comes twice counts once. A run that fails is tried once more. At its
// start it runs what was due and has not succeeded in the last days.
type Scheduler struct {
	Runner *Runner
	Log    zerolog.Logger

	RetryAfter time.Duration // 0: 5 minutes
	CatchUp    int           // how many days back, 1 to 7; 0: 1
	Clock      Clock         // nil: the system's
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
func (s *Scheduler) Run(ctx context.Context) error { return s.schedule(ctx, s.Runner) }

func (s *Scheduler) schedule(ctx context.Context, runner scheduled) error {
	if s.CatchUp < 0 || s.CatchUp > 7 {
		return fmt.Errorf("catch up %d days: give 1 to 7", s.CatchUp)
	}
	queue, err := s.begin(ctx, runner)
	for err == nil {
		slices.SortStableFunc(queue, func(a, b due) int { return a.at.Compare(b.at) })
		next := queue[0]
		if s.now().Before(next.at) {
			s.Log.Info().Str("job", next.job.Name).Stringer("day", next.day).Time("at", next.at.In(runner.location())).Msg("next job")
		}
		if err = s.sleepUntil(ctx, next.at); err != nil {
			break
		}
		queue = queue[1:]
		// The Runner logs how a run ended.
		if _, failure := runner.attempt(ctx, next.job.Name, next.day, Schedule, next.attempt); failure != nil && next.attempt == 1 {
			retry := next
			retry.at, retry.attempt, retry.regular = s.now().Add(s.retryAfter()), 2, false
			queue = append(queue, retry)
		}
		if next.regular {
			// After a long sleep only the last days are made up for.
			day := max(next.day+1, s.oldest(runner.location()))
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
		now, oldest := s.now(), s.oldest(loc)
		yesterday := DayOf(now, loc) - 1
		succeeded, _, err := runner.latest(ctx, oldest, yesterday)
		if ctx.Err() != nil { // stopped while it was asking: nothing is wrong
			return nil, ctx.Err()
		}
		if err != nil {
			s.Log.Error().Err(err).Dur("retry_after", s.retryAfter()).Msg("cannot see which jobs have run")
			if err := s.sleepUntil(ctx, now.Add(s.retryAfter())); err != nil {
				return nil, err
			}
			continue
		}
		var queue []due
		for _, job := range Jobs() {
			day := oldest
			for ; !job.due(day, loc).After(now); day++ {
				if _, ok := succeeded[jobDay{job.Name, day}]; !ok {
					s.Log.Info().Str("job", job.Name).Stringer("day", day).Msg("job was missed: running it now")
					queue = append(queue, due{at: job.due(day, loc), job: job, day: day, attempt: 1})
				}
			}
			queue = append(queue, due{at: job.due(day, loc), job: job, day: day, attempt: 1, regular: true})
		}
		return queue, nil
	}
}

// oldest is the earliest day that is made up for.
func (s *Scheduler) oldest(loc *time.Location) Day {
	days := s.CatchUp
	if days == 0 {
		days = DefaultCatchUp
	}
	return DayOf(s.now(), loc) - Day(days)
}

func (s *Scheduler) sleepUntil(ctx context.Context, t time.Time) error {
	for {
		left := t.Sub(s.now())
		if left <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.clock().After(min(left, longestSleep)):
		}
	}
}

func (s *Scheduler) now() time.Time { return s.clock().Now().Round(0) }

func (s *Scheduler) clock() Clock {
	if s.Clock == nil {
		return wallClock{}
	}
	return s.Clock
}

func (s *Scheduler) retryAfter() time.Duration {
	if s.RetryAfter == 0 {
		return DefaultRetryAfter
	}
	return s.RetryAfter
}
