package processor

import (
	"context"
	"fmt"
	"time"

	"clickstream/internal/broker"
	"clickstream/processor/windows"
)

// Acknowledged returns, for each partition with a commit, the offset up to which
// the log is counted and its alerts are acknowledged.
func Acknowledged(ctx context.Context, cl *broker.Client) (broker.Offsets, error) {
	commits, err := cl.CommittedOffsets(ctx, cl.Group("processor"), cl.Topics().Events)
	if err != nil {
		return nil, err
	}
	done := make(broker.Offsets, len(commits))
	for n, c := range commits {
		if _, offset, ok := windows.AcknowledgedIn(c.Metadata); ok {
			done[n] = offset
		}
	}
	return done, nil
}

// WaitAcknowledged returns when the alerts are acknowledged up to ends, or when
// ctx ends.
func WaitAcknowledged(ctx context.Context, cl *broker.Client, ends broker.Offsets) error {
	starts, err := cl.StartOffsets(ctx, cl.Topics().Events)
	if err != nil {
		return err
	}
	for {
		done, err := Acknowledged(ctx, cl)
		if err != nil && broker.Classify(err) != broker.Retriable {
			return err
		}
		left := int64(0)
		for n, end := range ends {
			left += max(0, end-max(done[n], starts[n]))
		}
		if err == nil && left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the processor has %d records of the log still to count: %w", left, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
