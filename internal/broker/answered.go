package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Answered are offsets of the partitions whose leaders have answered, and why the
// others have not.
type Answered struct {
	Topic      string
	Partitions int32 // of the topic
	Offsets    Offsets
	Failed     map[int32]error
}

// Err is why not all partitions have answered, or nil.
func (a Answered) Err() error {
	if len(a.Failed) == 0 {
		return nil
	}
	failed := slices.Sorted(maps.Keys(a.Failed))
	return fmt.Errorf("%d of %d partitions of topic %s do not answer, the first is %d: %w", len(failed), a.Partitions, a.Topic, failed[0], a.Failed[failed[0]])
}

// AnsweredEnds is EndOffsets of the partitions that have a leader which answers
// now. Nothing is tried again. It is an error if none answers.
func (c *Client) AnsweredEnds(ctx context.Context, topic string) (Answered, error) {
	const end, readCommitted = -1, 1
	return c.answered(ctx, topic, end, readCommitted)
}

// AnsweredStarts is StartOffsets of the partitions that have a leader which
// answers now. Nothing is tried again. It is an error if none answers.
func (c *Client) AnsweredStarts(ctx context.Context, topic string) (Answered, error) {
	const start = -2
	return c.answered(ctx, topic, start, 0)
}

func (c *Client) answered(ctx context.Context, topic string, which int64, isolation int8) (Answered, error) {
	a := Answered{Topic: topic, Offsets: make(Offsets), Failed: make(map[int32]error)}
	listed, err := c.admin().ListTopics(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err == nil && len(listed[topic].Partitions) == 0 {
		err = errors.New("the topic has no partitions")
	}
	if err != nil {
		return a, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	a.Partitions = int32(len(listed[topic].Partitions))
	byLeader := make(map[int32][]int32)
	for n, p := range listed[topic].Partitions {
		switch {
		case p.Err != nil:
			a.Failed[n] = p.Err
		case p.Leader < 0:
			a.Failed[n] = kerr.LeaderNotAvailable
		default:
			byLeader[p.Leader] = append(byLeader[p.Leader], n)
		}
	}
	var asking sync.WaitGroup
	var mu sync.Mutex
	for leader, partitions := range byLeader {
		asking.Go(func() {
			got, err := c.askLeader(ctx, leader, topic, partitions, which, isolation)
			mu.Lock()
			defer mu.Unlock()
			for _, n := range partitions {
				switch p, there := got[n]; {
				case err != nil:
					a.Failed[n] = err
				case !there:
					a.Failed[n] = errors.New("the broker does not name the partition")
				case p.ErrorCode != 0:
					a.Failed[n] = kerr.ErrorForCode(p.ErrorCode)
				default:
					a.Offsets[n] = p.Offset
				}
			}
		})
	}
	asking.Wait()
	if len(a.Offsets) == 0 {
		return a, fmt.Errorf("ask for offsets: %w", a.Err())
	}
	return a, nil
}

// askLeader asks a broker for offsets of partitions that it leads.
func (c *Client) askLeader(ctx context.Context, leader int32, topic string, partitions []int32, which int64, isolation int8) (map[int32]kmsg.ListOffsetsResponseTopicPartition, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = topic
	for _, n := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = n, which
		of.Partitions = append(of.Partitions, p)
	}
	req.Topics = append(req.Topics, of)
	resp, err := req.RequestWith(ctx, c.Broker(int(leader)))
	if err != nil {
		return nil, err
	}
	got := make(map[int32]kmsg.ListOffsetsResponseTopicPartition)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			got[p.Partition] = p
		}
	}
	return got, nil
}
