package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadLog reads topic once from the from offsets up to (not including) the to
// offsets, without a group, and calls fn for each record, in order per
// partition, on the caller's goroutine.
func ReadLog(ctx context.Context, cfg Config, topic string, from, to Offsets, fn func(*kgo.Record) error) error {
	return errors.ErrUnsupported
}
