package warehouse

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"clickstream/internal/broker"
)

//go:embed sql/log_gaps.sql
var gapsSQL string

//go:embed sql/log_gap_insert.sql
var gapInsertSQL string

// Gap is a gap as it is recorded (M6).
type Gap struct {
	broker.Gap
	NoticedBy string    `json:"noticed_by"` // the role that was to read the offsets
	NoticedAt time.Time `json:"noticed_at"`
	// AcceptedAt is nil until a person has accepted the gap.
	AcceptedAt *time.Time `json:"accepted_at"`
	AcceptedBy string     `json:"accepted_by,omitempty"`
}

// Gaps returns all recorded gaps, the accepted ones included, in the order in
// which they were noticed.
func (w *Warehouse) Gaps(ctx context.Context) (gaps []Gap, err error) {
	rows, err := w.conn.Query(ctx, gapsSQL)
	if err != nil {
		return nil, w.gapsError("read", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var g Gap
		var reason string
		if err := rows.Scan(&g.Topic, &g.TopicID, &g.Partition, &g.From, &g.To, &reason, &g.NoticedBy, &g.NoticedAt, &g.AcceptedAt, &g.AcceptedBy); err != nil {
			return nil, w.gapsError("read", err)
		}
		g.Reason = broker.GapReason(reason)
		gaps = append(gaps, g)
	}
	if err := rows.Err(); err != nil {
		return nil, w.gapsError("read", err)
	}
	return gaps, nil
}

// RecordGaps records gaps that a role has noticed; on return they are stored. It
// returns what of them was not recorded before: a role that was stopped before
// its next commit finds its gap again, and it may have grown. What is recorded
// already keeps its time and its acceptance.
func (w *Warehouse) RecordGaps(ctx context.Context, noticedBy string, gaps []broker.Gap) ([]broker.Gap, error) {
	recorded, err := w.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	recorded = slices.DeleteFunc(recorded, func(g Gap) bool { return g.NoticedBy != noticedBy })
	slices.SortFunc(recorded, func(a, b Gap) int { return cmp.Compare(a.From, b.From) })
	now := time.Now()
	var parts []broker.Gap
	var rows []Gap
	for _, g := range gaps {
		for _, part := range without(g, recorded) {
			parts = append(parts, part)
			rows = append(rows, Gap{Gap: part, NoticedBy: noticedBy, NoticedAt: now})
		}
	}
	return parts, w.insertGaps(ctx, "record", rows)
}

// without returns the parts of a gap that are not recorded, which are in the order
// of their offsets.
func without(g broker.Gap, recorded []Gap) (parts []broker.Gap) {
	for _, r := range recorded {
		switch {
		case r.Topic != g.Topic || r.TopicID != g.TopicID || r.Partition != g.Partition || r.Reason != g.Reason:
			continue
		case r.From == g.From && r.To == g.To:
			return parts
		case r.To <= g.From || r.From >= g.To || g.Reason == broker.Lost: // the offsets of lost records are used again
			continue
		case r.From > g.From:
			before := g
			before.To = r.From
			parts = append(parts, before)
		}
		g.From = r.To
	}
	if g.From < g.To || g.Reason == broker.Recreated {
		parts = append(parts, g)
	}
	return parts
}

// AcceptGaps records that a person has accepted these gaps, and returns them as
// they are then.
func (w *Warehouse) AcceptGaps(ctx context.Context, acceptedBy string, gaps []Gap) ([]Gap, error) {
	now := time.Now()
	accepted := make([]Gap, len(gaps))
	for i, g := range gaps {
		g.AcceptedAt, g.AcceptedBy = &now, acceptedBy
		accepted[i] = g
	}
	return accepted, w.insertGaps(ctx, "accept", accepted)
}

func (w *Warehouse) insertGaps(ctx context.Context, what string, gaps []Gap) error {
	if len(gaps) == 0 {
		return nil
	}
	batch, err := w.conn.PrepareBatch(ctx, gapInsertSQL)
	if err != nil {
		return w.gapsError(what, err)
	}
	defer func() { _ = batch.Close() }() // it has been sent, or the error says why not
	for _, g := range gaps {
		err := batch.Append(g.Topic, g.TopicID, g.Partition, g.From, g.To, string(g.Reason), g.NoticedBy, g.NoticedAt, g.AcceptedAt, g.AcceptedBy)
		if err != nil {
			return w.gapsError(what, err)
		}
	}
	if err := batch.Send(); err != nil {
		return w.gapsError(what, err)
	}
	return nil
}

func (w *Warehouse) gapsError(what string, err error) error {
	return fmt.Errorf("%s gaps of the log in database %s (has it been migrated?): %w", what, w.cfg.Database, err)
}
