package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

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

// errOtherMember says that a commit is not of the member that makes it.
var errOtherMember = errors.New("the commit is of another member or another assignment than the present one")

// Member is which member of its group a client was when the group gave it its
// partitions last. A member that was paused for longer than its session joins again
// as another one, and its client tells nobody of partitions that it lost meanwhile
// before it has joined.
type Member struct{ id atomic.Pointer[string] }

// Assigned is an option of the client: its callback for assigned partitions, which is
// called after each join, also where nothing has changed.
func (m *Member) Assigned() kgo.Opt {
	return kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, _ map[string][]int32) {
		id, _ := cl.GroupMetadata()
		m.id.Store(&id)
	})
}

// Still returns a function for CommitWithMetadata: whether the client is still the
// member that it is now.
func (m *Member) Still() func(member string) bool {
	now := m.id.Load()
	return func(member string) bool { return now != nil && *now == member }
}

// CommitWithMetadata commits from inside a group member (a client made with
// kgo.ConsumerGroup), fenced by its generation: a member that the group has
// removed meanwhile commits nothing and gets an error of class Fenced. A
// generation covers the member, not the partition, so commit no partition
// after its revoked or lost callback. On return without an error all commits
// are stored; with one, some may be.
//
// It waits for commits begun before it and, within a rebalance, for the join;
// so it may be called in a revoked callback. It may have become another member's
// then, with that one's generation. So still is asked before the request is sent,
// when no join begins until the answer: whether the commits are those of this
// member. Where they are not the error is of class Fenced. Without still nobody is
// asked.
func CommitWithMetadata(ctx context.Context, cl *kgo.Client, topic string, commits map[int32]Commit, still func(member string) bool) error {
	offsets := make(map[int32]kgo.EpochOffset, len(commits))
	for p, c := range commits {
		if len(c.Metadata) > MaxMetadata {
			return fmt.Errorf("commit %s-%d at %d: %d bytes of metadata, the limit is %d: %w",
				topic, p, c.Offset, len(c.Metadata), MaxMetadata, kerr.OffsetMetadataTooLarge)
		}
		offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: c.Offset}
	}
	withMetadata := kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		if still != nil && !still(req.MemberID) {
			return errOtherMember
		}
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
