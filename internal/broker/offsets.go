package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Offsets holds one offset for each partition of a topic.
type Offsets map[int32]int64

// Commit is what a group has stored for a partition: the next offset to read
// and what the reader needs beside it.
type Commit struct {
	Offset   int64
	Metadata string
}

// EndOffsets returns, for each partition, the offset before which everything
// can be read now (read committed: an open transaction holds it back).
func EndOffsets(ctx context.Context, cl *kgo.Client, topic string) (Offsets, error) {
	return nil, errors.ErrUnsupported
}

// StartOffsets returns the first offset each partition still has.
func StartOffsets(ctx context.Context, cl *kgo.Client, topic string) (Offsets, error) {
	return nil, errors.ErrUnsupported
}

// CommittedOffsets returns what group has committed for topic; a partition
// without a commit is absent.
func CommittedOffsets(ctx context.Context, cl *kgo.Client, group, topic string) (map[int32]Commit, error) {
	return nil, errors.ErrUnsupported
}

// WaitCommitted blocks until group has committed up to ends on every
// partition, or ctx ends. progress, which may be nil, is told the records
// still missing after each look.
func WaitCommitted(ctx context.Context, cl *kgo.Client, group, topic string, ends Offsets, progress func(left int64)) error {
	return errors.ErrUnsupported
}

// CommitWithMetadata commits from inside a group member, fenced by its
// generation.
func CommitWithMetadata(ctx context.Context, cl *kgo.Client, topic string, commits map[int32]Commit) error {
	return errors.ErrUnsupported
}
