package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Applied is one migration that was run.
type Applied struct {
	Version  int64
	Name     string // its file
	Up       bool
	Duration time.Duration
}

// MigrationState is one migration and whether it is applied.
type MigrationState struct {
	Version   int64
	Name      string
	Applied   bool
	AppliedAt time.Time
}

// Migrate brings the tables up to date. Several instances may do it at once.
func (w *Warehouse) Migrate(ctx context.Context) ([]Applied, error) {
	applied, err := w.migrate(func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.Up(ctx) })
	if err == nil {
		err = w.setFsync(ctx)
	}
	return applied, err
}

// MigrateDown takes the newest applied migration back, with all rows of its
// tables.
func (w *Warehouse) MigrateDown(ctx context.Context) ([]Applied, error) {
	return w.migrate(func(p *goose.Provider) ([]*goose.MigrationResult, error) {
		result, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil, nil
		}
		return []*goose.MigrationResult{result}, err
	})
}

// MigrateReset takes all migrations back, with all rows. After Migrate the
// mirror stores the log in them again from its beginning.
func (w *Warehouse) MigrateReset(ctx context.Context) ([]Applied, error) {
	return w.migrate(func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.DownTo(ctx, 0) })
}

// MigrationStatus lists all migrations.
func (w *Warehouse) MigrationStatus(ctx context.Context) (states []MigrationState, err error) {
	p, err := w.provider()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which migrations of database %s are applied: %w", w.cfg.Database, err)
	}
	for _, s := range status {
		states = append(states, MigrationState{
			Version: s.Source.Version, Name: path.Base(s.Source.Path),
			Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt,
		})
	}
	return states, nil
}

func (w *Warehouse) migrate(run func(*goose.Provider) ([]*goose.MigrationResult, error)) (applied []Applied, err error) {
	p, err := w.provider()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	results, err := run(p)
	for _, r := range results {
		if r != nil && r.Error == nil {
			applied = append(applied, Applied{
				Version: r.Source.Version, Name: path.Base(r.Source.Path), Up: r.Direction == "up", Duration: r.Duration,
			})
		}
	}
	if err != nil {
		return applied, fmt.Errorf("migrate database %s (run it again: it continues where it stopped): %w", w.cfg.Database, err)
	}
	return applied, nil
}

// provider has connections of its own, which the caller closes with it.
func (w *Warehouse) provider() (*goose.Provider, error) {
	words := w.cfg.engineWords()
	create, err := fill("goose_db_version.sql", versionsSQL, words)
	if err != nil {
		return nil, err
	}
	store, err := database.NewStore(goose.DialectClickHouse, goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	opts := w.opts
	opts.Settings = maps.Clone(opts.Settings)
	db := clickhouse.OpenDB(&opts)
	p, err := goose.NewProvider(goose.DialectCustom, db, filledFS{w.cfg.Migrations, words},
		goose.WithStore(versions{store, create}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the migrations: %w", err), db.Close())
	}
	return p, nil
}

//go:embed sql/goose_db_version.sql
var versionsSQL string

// versions is goose's own table of applied versions, in our engine family.
type versions struct {
	database.Store
	create string
}

func (v versions) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, v.create)
	return err
}
