package broker

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Recreated looks whether err, of writing to topic, came because the topic is
// gone that the client knew. If so the client lets go of it, for it never takes
// another topic of the same name for the one it knew, and the next try reaches
// the topic that has the name now. Its number of partitions is returned. It is 0
// where err is something else or the topic is not there yet.
//
// It is for topics whose records stand for themselves, such as the rejected
// topic, and not for the event log: another log is for a person to decide on.
// What is buffered for the topic fails.
func (c *Client) Recreated(ctx context.Context, topic string, err error) (partitions int32) {
	if !errors.Is(err, kerr.UnknownTopicID) && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return 0
	}
	c.PurgeTopicsFromProducing(topic)
	partitions, err = c.Partitions(ctx, topic)
	if err != nil {
		return 0 // it is asked again after the next try
	}
	return partitions
}
