package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/instance"
	"clickstream/warehouse"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the tables up to date."`
	Down   migrateDownCmd   `cmd:"" help:"Revert the newest migration and drop its rows."`
	Status migrateStatusCmd `cmd:"" help:"Which migrations are applied."`
}

type migrateFlags struct {
	folderFlags
	engineFlags
}

func (f *migrateFlags) with(ctx context.Context, t *terminal, use instance.Sharing, work func(*warehouse.Warehouse) error) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	log := t.logger(f.LogLevel)
	engines := f.instance(t, f.DataDir, use, log)
	engines.ClickHouseOnly = true // which log the tables are of, the mirror checks
	eng, err := instance.Open(ctx, engines)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	w, err := warehouse.Open(ctx, eng.ClickHouse, log)
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	return work(w)
}

func printApplied(t *terminal, applied []warehouse.Applied) {
	for _, a := range applied {
		word := "applied"
		if !a.Up {
			word = "reverted"
		}
		fmt.Fprintf(t.out, "%s %s in %s\n", word, a.Name, a.Duration.Round(time.Millisecond))
	}
	if len(applied) == 0 {
		fmt.Fprintln(t.out, "nothing to do")
	}
}

type migrateUpCmd struct{ migrateFlags }

func (migrateUpCmd) Help() string {
	return "clickstream serve does this at its start.\n\nExample:\n  clickstream migrate up --clickhouse-addr clickhouse:9000"
}

func (c *migrateUpCmd) Run(ctx context.Context, t *terminal) error {
	return c.with(ctx, t, instance.JoinOrStart, func(w *warehouse.Warehouse) error {
		applied, err := w.Migrate(ctx)
		printApplied(t, applied)
		return err
	})
}

type migrateDownCmd struct {
	All bool `env:"-" help:"Revert all migrations and drop every row; after migrate up the mirror stores the log again."`
	Yes bool `env:"-" help:"With --all: do not ask for confirmation."`
	migrateFlags
}

func (migrateDownCmd) Help() string {
	return "The event log is not changed. The mirror stores it again after migrate up.\n\nExample:\n  clickstream migrate down"
}

func (c *migrateDownCmd) Run(ctx context.Context, t *terminal) error {
	if c.All {
		if err := c.confirm(t); err != nil {
			return err
		}
	}
	return c.with(ctx, t, instance.JoinOrOpen, func(w *warehouse.Warehouse) error {
		down := w.MigrateDown
		if c.All {
			down = w.MigrateReset
		}
		applied, err := down(ctx)
		printApplied(t, applied)
		return err
	})
}

// confirm asks for confirmation before every table is dropped. Without a
// terminal --yes has to confirm it; an environment variable cannot.
func (c *migrateDownCmd) confirm(t *terminal) error {
	if c.Yes {
		return nil
	}
	if !t.errTTY || !t.inTTY {
		return usagef("--all drops every table of the database, reports included, and nobody can be asked to confirm it: give --yes too")
	}
	if !t.confirm(fmt.Sprintf("This drops every table of database %s, reports included. Drop them?", c.ClickhouseDatabase)) {
		return errors.New("nothing was dropped")
	}
	return nil
}

type migrateStatusCmd struct{ migrateFlags }

func (migrateStatusCmd) Help() string { return "Example:\n  clickstream migrate status" }

func (c *migrateStatusCmd) Run(ctx context.Context, t *terminal) error {
	return c.with(ctx, t, instance.JoinOrOpen, func(w *warehouse.Warehouse) error {
		states, err := w.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range states {
			when := "not applied"
			if s.Applied {
				when = s.AppliedAt.UTC().Format(time.DateTime)
			}
			rows = append(rows, []string{s.Name, when})
		}
		table(t.out, []string{"MIGRATION", "APPLIED (UTC)"}, rows)
		return nil
	})
}
