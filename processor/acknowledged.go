package processor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows"
)

// Acknowledged returns, for each partition with a commit of the rule, or of
// any rule where that is nil, the offset up to which the log is counted and its
// alerts are acknowledged.
func Acknowledged(ctx context.Context, cl *broker.Client, rule *event.Rule) (broker.Offsets, error) {
	var hashes []string
	if rule != nil {
		set, err := rules.FlashSale(*rule)
		if err != nil {
			return nil, err
		}
		hashes = []string{set.Hash(), rule.Hash()} // the second one in commits of older versions
	}
	commits, err := cl.CommittedOffsets(ctx, cl.Group("processor"), cl.Topics().Events)
	if err != nil {
		return nil, err
	}
	done := make(broker.Offsets, len(commits))
	for n, c := range commits {
		if hash, offset, ok := windows.AcknowledgedIn(c.Metadata); ok && (rule == nil || slices.Contains(hashes, hash)) {
			done[n] = offset
		}
	}
	return done, nil
}

// WaitAcknowledged returns when the alerts of the rule are acknowledged up to
// ends, or when ctx ends.
func WaitAcknowledged(ctx context.Context, cl *broker.Client, rule event.Rule, ends broker.Offsets) error {
	starts, err := cl.StartOffsets(ctx, cl.Topics().Events)
	if err != nil {
		return err
	}
	for {
		done, err := Acknowledged(ctx, cl, &rule)
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
			return fmt.Errorf("the processor has %d records of the log still to count for the rule %s: %w", left, rule, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
