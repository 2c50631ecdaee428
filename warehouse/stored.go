package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
)

// Stored returns, for each partition of a mirrored topic, the offset before
// which everything is in these tables.
func (w *Warehouse) Stored(ctx context.Context, cl *kgo.Client, cfg broker.Config, topic string) (broker.Offsets, error) {
	filling, err := w.filling(ctx)
	if err != nil {
		return nil, err
	}
	commits, err := broker.CommittedOffsets(ctx, cl, cfg.Group("mirror"), topic)
	if err != nil {
		return nil, err
	}
	stored := make(broker.Offsets, len(commits))
	for p, c := range commits {
		stored[p] = c.Under(filling)
	}
	return stored, nil
}

// WaitStored waits until the mirror has stored a topic up to ends in these
// tables, or ctx ends. What was stored in tables that are gone does not count.
// progress, which may be nil, is told how many offsets are left.
func (w *Warehouse) WaitStored(ctx context.Context, cl *kgo.Client, cfg broker.Config, topic string, ends broker.Offsets, progress func(left int64)) error {
	filling, err := w.filling(ctx)
	for err == nil && filling == unfilled {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until database %s is filled: %w", w.cfg.Database, ctx.Err())
		case <-time.After(25 * time.Millisecond):
			filling, err = w.filling(ctx)
		}
	}
	if err != nil {
		return err
	}
	return broker.WaitCommitted(ctx, cl, cfg.Group("mirror"), topic, filling, ends, progress)
}

// unfilled is the filling of tables that no mirror has been at: no commit that
// names a filling is theirs.
const unfilled = "none"

// filling is the recorded name of this set of tables.
func (w *Warehouse) filling(ctx context.Context) (string, error) {
	// For how long somebody waits says nothing about how long one question may
	// take: it ends when it is cancelled, not when the waiting is over.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})()
	logs, err := w.recordedLogs(asking)
	if err != nil {
		return "", fmt.Errorf("look which log database %s is filled from: %w", w.cfg.Database, err)
	}
	if len(logs) == 0 {
		return unfilled, nil
	}
	return logs[0].filling, nil
}
