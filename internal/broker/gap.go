package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Gap is what a reader of a partition never gets: offsets that the topic no
// longer held when they were to be read, or that cannot be read (M6). Offsets inside the topic that
// have no records are no gap.
type Gap struct {
	Topic string `json:"topic"`
	// TopicID is that of the topic which is read on with; empty where the
	// broker has none.
	TopicID   string `json:"topic_id,omitempty"`
	Partition int32  `json:"partition"` // -1: all
	// From is the first missing offset and To the one after the last. They are
	// equal where it is not known how many are missing.
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	Reason GapReason `json:"reason"`
}

// GapReason is why offsets are missing.
type GapReason string

const (
	// Retention: the topic begins after the offset that was to be read next.
	Retention GapReason = "retention"
	// Recreated: the offset that was to be read next is another topic's, or the
	// topic ends before it. So the topic was deleted and created again, or lost
	// its last records, and what it held from that offset on is not known.
	Recreated GapReason = "recreated"
	// Damaged: the topic holds a batch that cannot be read, and the settings say to
	// pass over it.
	Damaged GapReason = "damaged"
	// Lost: the topic has lost records at its end that had been read. What came of
	// them stays, and their offsets are used again.
	Lost GapReason = "lost"
)

func (g Gap) String() string {
	switch {
	case g.Partition < 0:
		return fmt.Sprintf("topic %s was deleted and created again: what it held and was not stored yet is missing", g.Topic)
	case g.Reason == Recreated:
		return fmt.Sprintf("topic %s-%d was created again or cut at its end: what it held from offset %d on is missing", g.Topic, g.Partition, g.From)
	case g.Reason == Damaged:
		return fmt.Sprintf("topic %s-%d holds a batch that cannot be read: %s were passed over, as the settings say", g.Topic, g.Partition, offsetsText(g.From, g.To))
	case g.Reason == Lost:
		return fmt.Sprintf("topic %s-%d lost the records of %s after they had been read, as when a replica that did not have them became the leader", g.Topic, g.Partition, offsetsText(g.From, g.To))
	}
	return fmt.Sprintf("topic %s-%d no longer holds the offsets %d to %d", g.Topic, g.Partition, g.From, g.To-1)
}

// Extent is which offsets a topic holds, of the partitions that have answered.
type Extent struct {
	Topic        string
	TopicID      string // empty where the broker has none
	Starts, Ends Offsets
	missing      map[int32]error
}

// Extent looks up which offsets a topic holds. It is an error if no partition
// answers.
func (c *Client) Extent(ctx context.Context, topic string) (Extent, error) {
	e := Extent{Topic: topic, missing: make(map[int32]error)}
	var err error
	if e.TopicID, err = c.topicID(ctx, topic); err != nil {
		return e, err
	}
	starts, err := c.AnsweredStarts(ctx, topic)
	if err != nil {
		return e, err
	}
	ends, err := c.AnsweredEnds(ctx, topic)
	if err != nil {
		return e, err
	}
	e.Starts, e.Ends = starts.Offsets, ends.Offsets
	maps.Copy(e.missing, starts.Failed)
	maps.Copy(e.missing, ends.Failed)
	return e, nil
}

// Missing is why nothing is known of a partition, or nil.
func (e Extent) Missing(partition int32) error {
	if err := e.missing[partition]; err != nil {
		return fmt.Errorf("ask which offsets topic %s-%d holds: %w", e.Topic, partition, err)
	}
	return nil
}

// Bounds are a partition's first offset and the one after its last. One that has
// not answered may hold any.
func (e Extent) Bounds(partition int32) (start, end int64) {
	if e.missing[partition] != nil {
		return 0, math.MaxInt64
	}
	return e.Starts[partition], e.Ends[partition]
}

// Gap is what is missing for a reader of a partition that is to go on at
// position. If that is something, it goes on at the partition's start instead. Of a
// partition that has not answered nothing is missing, as far as is known.
func (e Extent) Gap(partition int32, position int64) (g Gap, missing bool) {
	if e.missing[partition] != nil {
		return Gap{}, false
	}
	g = Gap{Topic: e.Topic, TopicID: e.TopicID, Partition: partition, From: position, To: e.Starts[partition], Reason: Retention}
	if position > e.Ends[partition] {
		g.To, g.Reason = position, Recreated
		return g, true
	}
	return g, g.From < g.To
}

// LostEnd is what a topic has lost of what was read of it, if err is that. Where
// records are read on depends on where the topic ends now.
func LostEnd(err error) (g Gap, lost bool) {
	e, lost := errors.AsType[*kgo.ErrDataLoss](err)
	if !lost {
		return Gap{}, false
	}
	return Gap{Topic: e.Topic, Partition: e.Partition, From: e.ResetTo, To: e.ConsumedTo, Reason: Lost}, true
}

// topicID asks for a topic's id, which is empty where the broker has none.
func (c *Client) topicID(ctx context.Context, topic string) (string, error) {
	found, err := c.admin().ListTopics(ctx, topic)
	if err == nil {
		err = found.Error()
	}
	if _, there := found[topic]; err == nil && !there {
		err = errors.New("the broker does not name the topic")
	}
	if err != nil {
		return "", fmt.Errorf("ask for the id of topic %s: %w", topic, err)
	}
	return idOf(found[topic]), nil
}
