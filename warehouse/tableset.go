package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/broker"
)

// MirrorRole is the role whose consumer group's commits say what is stored.
const MirrorRole = "mirror"

// TableSet identifies the tables of one database: another database, or the same
// one after its tables were dropped and created again, is another table set.
// The mirror's commits carry it as their metadata, because offsets that were
// committed for another table set say nothing about these tables.
type TableSet string

// noTableSet is the table set of tables that no mirror has used yet: no commit
// names it.
const noTableSet TableSet = "none"

// Commit is the commit that says: everything before offset is in these tables.
func (s TableSet) Commit(offset int64) broker.Commit {
	return broker.Commit{Offset: offset, Metadata: string(s)}
}

// Made says whether a commit counts for these tables. One without metadata was
// made by a person, and counts for any.
func (s TableSet) Made(c broker.Commit) bool {
	return c.Metadata == "" || c.Metadata == string(s)
}

// Offset is the offset before which everything is in these tables, going by a
// commit; 0 where the commit was made for others.
func (s TableSet) Offset(c broker.Commit) int64 {
	if !s.Made(c) {
		return 0
	}
	return c.Offset
}

// Stored returns, for each partition of a mirrored topic, the offset before
// which everything is in these tables.
func (w *Warehouse) Stored(ctx context.Context, cl *broker.Client, topic string) (broker.Offsets, error) {
	tables, err := w.tableSet(ctx)
	if err != nil {
		return nil, err
	}
	commits, err := cl.CommittedOffsets(ctx, cl.Group(MirrorRole), topic)
	if err != nil {
		return nil, err
	}
	stored := make(broker.Offsets, len(commits))
	for p, c := range commits {
		stored[p] = tables.Offset(c)
	}
	return stored, nil
}

// WaitStored waits until the mirror has stored a topic up to ends in these
// tables, or ctx ends. What was stored in dropped tables does not count.
// progress, which may be nil, is called with the number of offsets left.
func (w *Warehouse) WaitStored(ctx context.Context, cl *broker.Client, topic string, ends broker.Offsets, progress func(left int64)) error {
	tables, err := w.tableSet(ctx)
	for err == nil && tables == noTableSet {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until a mirror stores into database %s: %w", w.cfg.Database, ctx.Err())
		case <-time.After(25 * time.Millisecond):
			tables, err = w.tableSet(ctx)
		}
	}
	if err != nil {
		return err
	}
	return cl.WaitCommitted(ctx, cl.Group(MirrorRole), topic, ends, tables.Offset, progress)
}

// tableSet is the recorded id of these tables.
func (w *Warehouse) tableSet(ctx context.Context) (TableSet, error) {
	// A deadline bounds the waiting, not a single query: a query ends when ctx
	// is cancelled, not when its deadline passes.
	querying, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})()
	logs, err := w.recordedLogs(querying)
	if err != nil {
		return "", fmt.Errorf("look up which log database %s belongs to: %w", w.cfg.Database, err)
	}
	if len(logs) == 0 {
		return noTableSet, nil
	}
	return logs[0].tables, nil
}
