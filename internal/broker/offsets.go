package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets holds one offset for each partition of a topic.
type Offsets map[int32]int64

// EndOffsets returns, for each partition, the offset before which everything
// can be read now (read committed: an open transaction holds it back).
func (c *Client) EndOffsets(ctx context.Context, topic string) (Offsets, error) {
	listed, err := c.admin().ListCommittedOffsets(ctx, topic)
	return listedOffsets("end", topic, listed, err)
}

// StartOffsets returns the first offset each partition still has.
func (c *Client) StartOffsets(ctx context.Context, topic string) (Offsets, error) {
	listed, err := c.admin().ListStartOffsets(ctx, topic)
	return listedOffsets("start", topic, listed, err)
}

// Partitions asks the broker, and no cache, how many partitions topic has now.
func (c *Client) Partitions(ctx context.Context, topic string) (int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = new(topic)
	req.Topics = append(req.Topics, asked)
	resp, err := req.RequestWith(ctx, c.Client)
	if err == nil && len(resp.Topics) != 1 {
		err = errors.New("the broker does not name the topic")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the partitions of topic %s: %w", topic, err)
	}
	return int32(len(resp.Topics[0].Partitions)), nil
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
func (c *Client) CommittedOffsets(ctx context.Context, group, topic string) (map[int32]Commit, error) {
	var got kadm.OffsetResponses
	for try := 1; ; try++ {
		var err error
		got, err = c.admin().FetchOffsetsForTopics(ctx, group, topic)
		if errors.Is(err, kerr.GroupIDNotFound) {
			return map[int32]Commit{}, nil // a group begins with its first member
		}
		if err == nil {
			err = got.Error()
		}
		if err == nil {
			break
		}
		// The answer names topics by their ids. The client says that there is no such
		// topic also where no broker answers it which topic that is.
		if errors.Is(err, kerr.UnknownTopicID) && try < 3 {
			if _, err = c.topicID(ctx, topic); err == nil {
				continue
			}
		}
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

// WaitCommitted blocks until group has committed up to ends on every
// partition, or ctx ends. What retention has cut off, and a partition that
// holds nothing before its end, need no commit. It waits for an unreachable
// broker too. progress, which may be nil, is called after each request with the
// number of offsets still missing.
func (c *Client) WaitCommitted(ctx context.Context, group, topic string, ends Offsets, progress func(left int64)) error {
	var starts Offsets
	left := int64(-1)
	lookUp := func() (err error) {
		if starts == nil {
			if starts, err = c.StartOffsets(ctx, topic); err != nil {
				return err
			}
		}
		commits, err := c.CommittedOffsets(ctx, group, topic)
		if err != nil {
			return err
		}
		left = 0
		for p, end := range ends {
			committed := starts[p]
			if commit, ok := commits[p]; ok {
				committed = max(committed, commit.Offset)
			}
			left += max(0, end-committed)
		}
		return nil
	}
	for {
		err := lookUp()
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

// OffsetsSince returns, for each partition, the offset of the first record with
// a timestamp at or after t, or the end offset where there is none.
func (c *Client) OffsetsSince(ctx context.Context, topic string, t time.Time) (Offsets, error) {
	listed, err := c.admin().ListOffsetsAfterMilli(ctx, t.UnixMilli(), topic)
	return listedOffsets("offsets since "+t.UTC().Format(time.RFC3339), topic, listed, err)
}
