package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
)

//go:embed sql/log_tables.sql
var logTablesSQL string

//go:embed sql/fsync_on.sql
var fsyncOnSQL string

//go:embed sql/fsync_off.sql
var fsyncOffSQL string

var (
	// notPlain are engines whose parts are not on one server's disk alone: they
	// rest on their replicas, or on the storage of ClickHouse Cloud.
	notPlain  = regexp.MustCompile(`^(Replicated|Shared)`)
	fsyncIsOn = regexp.MustCompile(`\bfsync_after_insert = (1|true)\b`)
)

// setFsync makes rows of the log's tables survive a power cut once they are
// stored (M2), or not, as the Config says.
func (w *Warehouse) setFsync(ctx context.Context) error {
	tables, err := w.logTables(ctx)
	if err != nil {
		return fmt.Errorf("look up how the tables of database %s are kept: %w", w.cfg.Database, err)
	}
	for _, t := range tables {
		name, text := "fsync_on.sql", fsyncOnSQL
		if w.cfg.NoFsync {
			name, text = "fsync_off.sql", fsyncOffSQL
		}
		if !t.plain || t.fsync == !w.cfg.NoFsync {
			continue
		}
		statement, err := fill(name, text, struct{ Table string }{t.name})
		if err == nil {
			err = w.conn.Exec(ctx, statement)
		}
		if err != nil {
			return fmt.Errorf("set whether table %s is written to the disk at each insert (the user needs the right ALTER SETTINGS, or another user runs migrate up): %w", t.name, err)
		}
	}
	return nil
}

type logTable struct {
	name, engine string
	plain, fsync bool
}

func (w *Warehouse) logTables(ctx context.Context) (tables []logTable, err error) {
	rows, err := w.conn.Query(ctx, logTablesSQL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t logTable
		var full string
		if err := rows.Scan(&t.name, &t.engine, &full); err != nil {
			return nil, err
		}
		t.plain = !notPlain.MatchString(t.engine)
		t.fsync = fsyncIsOn.MatchString(full)
		tables = append(tables, t)
	}
	return tables, rows.Err()
}
