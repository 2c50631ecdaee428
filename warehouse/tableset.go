package warehouse

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"clickstream/internal/broker"
)

//go:embed sql/table_set.sql
var tableSetSQL string

// TableSet identifies the tables of one database: another database, or the same
// one after its tables were dropped and created again, is another table set. It
// is a function of the tables, so whoever asks gets the same (M5).
type TableSet string

// Group is the consumer group of the mirrors that store into these tables. No
// other tables' mirrors are in it, so its commits say what is in these.
func (s TableSet) Group(cl *broker.Client) string { return cl.Group("mirror-" + string(s)) }

// TableSet looks up which tables these are.
func (w *Warehouse) TableSet(ctx context.Context) (TableSet, error) {
	// A deadline bounds the waiting, not a single query: a query ends when ctx
	// is cancelled, not when its deadline passes.
	querying, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})()
	var id string
	err := w.conn.QueryRow(querying, tableSetSQL).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", fmt.Errorf("database %s has no table event_log: run clickstream migrate up", w.cfg.Database)
	case err != nil:
		return "", fmt.Errorf("look up the tables of database %s: %w", w.cfg.Database, err)
	case id == uuid.Nil.String():
		return "", fmt.Errorf("the tables of database %s have no ids: use a database of the engine Atomic, which is the default", w.cfg.Database)
	}
	return TableSet(id), nil
}

// Stored returns, for each partition of a mirrored topic, the offset before
// which everything is in these tables.
func (w *Warehouse) Stored(ctx context.Context, cl *broker.Client, topic string) (broker.Offsets, error) {
	tables, err := w.TableSet(ctx)
	if err != nil {
		return nil, err
	}
	commits, err := cl.CommittedOffsets(ctx, tables.Group(cl), topic)
	if err != nil {
		return nil, err
	}
	stored := make(broker.Offsets, len(commits))
	for p, c := range commits {
		stored[p] = c.Offset
	}
	return stored, nil
}

// WaitStored waits until the mirror has stored a topic up to ends in these
// tables, where Conn reads them, or ctx ends. progress, which may be nil, is called with the number of
// offsets left.
func (w *Warehouse) WaitStored(ctx context.Context, cl *broker.Client, topic string, ends broker.Offsets, progress func(left int64)) error {
	tables, err := w.TableSet(ctx)
	if err != nil {
		return err
	}
	if err := cl.WaitCommitted(ctx, tables.Group(cl), topic, ends, progress); err != nil {
		return err
	}
	return w.syncReplicas(ctx)
}
