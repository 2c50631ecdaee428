package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Offsets holds one offset for each partition of a topic.
type Offsets map[int32]int64

// EndOffsets returns, for each partition, the offset before which everything
// can be read now (read committed: an open transaction holds it back).
func EndOffsets(ctx context.Context, cl *kgo.Client, topic string) (Offsets, error) {
	listed, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	return listedOffsets("end", topic, listed, err)
}

// StartOffsets returns the first offset each partition still has.
func StartOffsets(ctx context.Context, cl *kgo.Client, topic string) (Offsets, error) {
	listed, err := kadm.NewClient(cl).ListStartOffsets(ctx, topic)
	return listedOffsets("start", topic, listed, err)
}

func listedOffsets(which, topic string, listed kadm.ListedOffsets, err error) (Offsets, error) {
	if err == nil {
		err = listed.Error()
	}
	if err == nil && len(listed[topic]) == 0 {
		err = errors.New("the topic has no partitions")
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the %s of topic %s: %w", which, topic, err)
	}
	offsets := make(Offsets, len(listed[topic]))
	for p, o := range listed[topic] {
		offsets[p] = o.Offset
	}
	return offsets, nil
}

// CommittedOffsets returns what group has committed for topic; a partition
// without a commit is absent.
func CommittedOffsets(ctx context.Context, cl *kgo.Client, group, topic string) (map[int32]Commit, error) {
	got, err := kadm.NewClient(cl).FetchOffsetsForTopics(ctx, group, topic)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[int32]Commit{}, nil // a group begins with its first member
	}
	if err == nil {
		err = got.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the commits of group %s for topic %s: %w", group, topic, err)
	}
	commits := make(map[int32]Commit, len(got[topic]))
	for p, o := range got[topic] {
		if o.At >= 0 {
			commits[p] = Commit{Offset: o.At, Metadata: o.Metadata}
		}
	}
	return commits, nil
}

// Under is the offset of a commit made under this metadata, or 0. Commits
// without one, as an operator's, count under any.
func (c Commit) Under(metadata string) int64 {
	if metadata != "" && c.Metadata != "" && c.Metadata != metadata {
		return 0
	}
	return c.Offset
}

// WaitCommitted blocks until group has committed up to ends on every
// partition, or ctx ends. What retention has cut off, and a partition that
// holds nothing before its end, need no commit. A broker that is away is
// waited for. progress, which may be nil, is told the offsets still missing
// after each look. With metadata, commits that carry another one count for
// nothing.
func WaitCommitted(ctx context.Context, cl *kgo.Client, group, topic, metadata string, ends Offsets, progress func(left int64)) error {
	var starts Offsets
	left := int64(-1)
	look := func() (err error) {
		if starts == nil {
			if starts, err = StartOffsets(ctx, cl, topic); err != nil {
				return err
			}
		}
		commits, err := CommittedOffsets(ctx, cl, group, topic)
		if err != nil {
			return err
		}
		left = 0
		for p, end := range ends {
			left += max(0, end-max(starts[p], commits[p].Under(metadata)))
		}
		return nil
	}
	for {
		err := look()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("wait until group %s has read topic %s (%s): %w", group, topic, leftText(left), ctx.Err())
		case err != nil && Classify(err) != Retriable:
			return err
		case err == nil:
			if progress != nil {
				progress(left)
			}
			if left == 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func leftText(left int64) string {
	if left < 0 {
		return "how much is left is not known"
	}
	return fmt.Sprintf("%d offsets left", left)
}
