package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// MaxMetadata is the longest metadata a commit may carry, in bytes: Kafka's
// default limit, held also where the broker has none.
const MaxMetadata = 4096

// Commit is what a group has stored for a partition: the next offset to read
// and what the reader needs beside it.
type Commit struct {
	Offset   int64
	Metadata string
}

// CommitWithMetadata commits from inside a group member (a client made with
// kgo.ConsumerGroup), fenced by its generation: a member that the group has
// removed meanwhile commits nothing and gets an error of class Fenced. A
// generation covers the member, not the partition, so commit no partition
// after its revoked or lost callback. On return without an error all commits
// are stored; with one, some may be.
//
// It waits for commits begun before it and, within a rebalance, for the join;
// so it may be called in a revoked callback.
func CommitWithMetadata(ctx context.Context, cl *kgo.Client, topic string, commits map[int32]Commit) error {
	offsets := make(map[int32]kgo.EpochOffset, len(commits))
	for p, c := range commits {
		if len(c.Metadata) > MaxMetadata {
			return fmt.Errorf("commit %s-%d at %d: %d bytes of metadata, the limit is %d: %w",
				topic, p, c.Offset, len(c.Metadata), MaxMetadata, kerr.OffsetMetadataTooLarge)
		}
		offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: c.Offset}
	}
	withMetadata := kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				p := &req.Topics[i].Partitions[j]
				metadata := commits[p.Partition].Metadata
				p.Metadata = &metadata
			}
		}
		return nil
	})
	var errs []error
	cl.CommitOffsetsSync(withMetadata, map[string]map[int32]kgo.EpochOffset{topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			if err != nil {
				errs = append(errs, fmt.Errorf("commit %s: %w", topic, err))
				return
			}
			for _, t := range resp.Topics {
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						errs = append(errs, fmt.Errorf("commit %s-%d at %d: %w", topic, p.Partition, commits[p.Partition].Offset, err))
					}
				}
			}
		})
	return errors.Join(errs...)
}
