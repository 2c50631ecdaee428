package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/instance"
	"clickstream/jobs"
)

type jobsCmd struct {
	List     jobsListCmd     `cmd:"" help:"The jobs and when they run."`
	Run      jobsRunCmd      `cmd:"" help:"Run a job now."`
	Backfill jobsBackfillCmd `cmd:"" help:"Run a job for days in the past."`
	Runs     jobsRunsCmd     `cmd:"" help:"The latest runs."`
	Report   jobsReportCmd   `cmd:"" help:"The reports of a day."`
}

// jobsListCmd takes the folder's flags like its siblings, so that a script can
// give the same ones to each.
type jobsListCmd struct{ folderFlags }

func (jobsListCmd) Help() string { return "Example:\n  clickstream jobs list" }

func (jobsListCmd) Run(t *terminal) error {
	var rows [][]string
	for _, j := range jobs.Jobs() {
		rows = append(rows, []string{j.Name, j.At, j.Table, j.Description})
	}
	table(t.out, []string{"JOB", "AT", "TABLE", "WHAT"}, rows)
	return nil
}

// jobsFlags are what all commands that use the jobs need.
type jobsFlags struct {
	zoneFlag
	folderFlags
	engineFlags
}

func (f *jobsFlags) with(ctx context.Context, t *terminal, work func(context.Context, *jobs.Runner) error) error {
	zone, err := f.location()
	if err != nil {
		return err
	}
	return useInstance(ctx, t, &f.engineFlags, f.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		runner, err := jobs.New(jobs.Config{Warehouse: p.Warehouse, Broker: p.Broker, Location: zone, Log: p.Log})
		if err != nil {
			return err
		}
		return work(ctx, runner)
	})
}

// yesterday is the last whole day in the zone.
func (f *jobsFlags) yesterday() (jobs.Day, error) {
	zone, err := f.location()
	return jobs.DayOf(time.Now(), zone) - 1, err
}

type jobsRunCmd struct {
	Job string    `arg:"" help:"A name of jobs list, or all."`
	Day *jobs.Day `placeholder:"DATE" help:"The day, as in 2026-11-22 (default: yesterday)."`
	jobsFlags
}

func (jobsRunCmd) Help() string {
	return `The day's rows are replaced in one step.

Examples:
  clickstream jobs run all
  clickstream jobs run top_products --day 2026-11-21 --timezone Europe/Berlin`
}

func (c *jobsRunCmd) Run(ctx context.Context, t *terminal) error {
	names, err := jobNames(c.Job)
	if err != nil {
		return err
	}
	day, err := c.yesterday()
	if err != nil {
		return err
	}
	if c.Day != nil {
		day = *c.Day
	}
	return c.with(ctx, t, func(ctx context.Context, runner *jobs.Runner) error {
		var errs []error
		for _, name := range names {
			run, err := runner.Run(ctx, name, day, jobs.Manual)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			fmt.Fprintf(t.out, "%s for %s: %s rows in %s\n", run.Job, run.Day, count(run.Rows), run.Took().Round(time.Millisecond))
		}
		return errors.Join(errs...)
	})
}

// jobNames are the jobs that an argument means.
func jobNames(arg string) ([]string, error) {
	if arg != "all" {
		if _, err := jobs.Find(arg); err != nil {
			return nil, usageError{err}
		}
		return []string{arg}, nil
	}
	var names []string
	for _, j := range jobs.Jobs() {
		names = append(names, j.Name)
	}
	return names, nil
}

type jobsBackfillCmd struct {
	Job    string   `arg:"" help:"A name of jobs list, or all."`
	From   jobs.Day `required:"" placeholder:"DATE" help:"The first day, as in 2026-11-01."`
	To     jobs.Day `required:"" placeholder:"DATE" help:"The last day, included."`
	Only   string   `enum:"all,stale,failed,missing" default:"all" help:"all days, or those that are stale, failed or missing."`
	DryRun bool     `help:"Print what would run, and run nothing."`
	jobsFlags
}

func (jobsBackfillCmd) Help() string {
	return `Example:
  clickstream jobs backfill all --from 2026-11-01 --to 2026-11-21 --only missing`
}

func (c *jobsBackfillCmd) Run(ctx context.Context, t *terminal) error {
	names, err := jobNames(c.Job)
	if err != nil {
		return err
	}
	if c.To < c.From {
		return usagef("to is %s, before from, which is %s", c.To, c.From)
	}
	return c.with(ctx, t, func(ctx context.Context, runner *jobs.Runner) error {
		work := jobs.Backfilling{Jobs: names, Days: jobs.DaysBetween(c.From, c.To), Only: jobs.Only(c.Only)}
		if c.DryRun {
			planned, err := runner.Plan(ctx, work)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, p := range planned {
				rows = append(rows, []string{p.Job, p.Day.String(), p.Why})
			}
			table(t.out, []string{"JOB", "DAY", "WHY"}, rows)
			return nil
		}
		s := t.status()
		defer s.clear()
		work.Progress = func(done, total int, run jobs.Run) {
			s.set("%s  %s for %s", bar(int64(done), int64(total)), run.Job, run.Day)
		}
		runs, err := runner.RunDays(ctx, work)
		s.clear()
		fmt.Fprintf(t.out, "%s runs done\n", count(len(runs)))
		return err
	})
}

type jobsRunsCmd struct {
	Job   string `placeholder:"JOB" help:"Show only runs of this job."`
	Limit int    `default:"20" placeholder:"N" help:"How many runs to show (${default})."`
	jobsFlags
}

func (jobsRunsCmd) Help() string { return "Example:\n  clickstream jobs runs --job top_products" }

func (c *jobsRunsCmd) Run(ctx context.Context, t *terminal) error {
	return c.with(ctx, t, func(ctx context.Context, runner *jobs.Runner) error {
		runs, err := runner.Runs(ctx, jobs.RunFilter{Job: c.Job, Limit: c.Limit})
		if err != nil {
			return err
		}
		var rows [][]string
		for _, r := range runs {
			rows = append(rows, []string{r.Started.Format(time.DateTime), r.Job, r.Day.String(), string(r.State), string(r.Trigger),
				count(r.Rows), r.Took().Round(time.Millisecond).String(), r.Error})
		}
		table(t.out, []string{"STARTED (UTC)", "JOB", "DAY", "STATE", "TRIGGER", "ROWS", "TOOK", "ERROR"}, rows)
		return nil
	})
}

type jobsReportCmd struct {
	Date   *jobs.Day `arg:"" optional:"" placeholder:"DATE" help:"The day, as in 2026-11-22; the same as --day."`
	Day    *jobs.Day `placeholder:"DATE" help:"The day, as in 2026-11-22 (default: yesterday)."`
	Output string    `enum:"text,json" default:"text" help:"text, or json: one document on standard output."`
	jobsFlags
}

func (jobsReportCmd) Help() string {
	return `The text shows the 15 categories with the most views, with the best and the worst among them; JSON has all of them.
docs/events.md describes its fields.

Examples:
  clickstream jobs report --day 2026-11-21
  clickstream jobs report --output json 2026-11-21 | jq '.conversion[] | select(.worst)'`
}

func (c *jobsReportCmd) Run(ctx context.Context, t *terminal) error {
	day, err := c.yesterday()
	if err != nil {
		return err
	}
	switch {
	case c.Day != nil && c.Date != nil && *c.Day != *c.Date:
		return usagef("two days are given, %s and %s: give one", *c.Date, *c.Day)
	case c.Day != nil:
		day = *c.Day
	case c.Date != nil:
		day = *c.Date
	}
	return c.with(ctx, t, func(ctx context.Context, runner *jobs.Runner) error {
		report, err := runner.Report(ctx, day)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			enc := json.NewEncoder(t.out)
			enc.SetIndent("", "  ")
			return enc.Encode(report)
		}
		return report.Text(t.out)
	})
}
