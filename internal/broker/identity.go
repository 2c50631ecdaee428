package broker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/event"
)

// LogIdentity says which log this is. Whoever stored offsets of one log must
// refuse another: products would be split between partitions, or offsets start
// again.
type LogIdentity struct {
	Topic      string
	ClusterID  string
	TopicID    string // empty where the broker has none
	Partitions int32
	// The rest is no part of what the log is: the topics beside it, their ids as
	// TopicID is.
	Alerts, AlertsID     string
	Rejected, RejectedID string
	RejectedPartitions   int32
}

// Identity looks up which log this is. It makes and checks nothing.
func (c *Client) Identity(ctx context.Context) (LogIdentity, error) {
	t := c.Topics()
	details, err := c.admin().ListTopics(ctx, t.Events, t.Alerts, t.Rejected)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return LogIdentity{}, fmt.Errorf("look up topic %s: %w", t.Events, err)
	}
	return c.identity(ctx, details)
}

func (c *Client) identity(ctx context.Context, details kadm.TopicDetails) (LogIdentity, error) {
	meta, err := c.admin().BrokerMetadata(ctx)
	if err != nil {
		return LogIdentity{}, fmt.Errorf("ask for the cluster id: %w", err)
	}
	t := c.Topics()
	return LogIdentity{
		Topic: t.Events, ClusterID: meta.Cluster, TopicID: idOf(details[t.Events]),
		Partitions: int32(len(details[t.Events].Partitions)),
		Alerts:     t.Alerts, AlertsID: idOf(details[t.Alerts]),
		Rejected: t.Rejected, RejectedID: idOf(details[t.Rejected]), RejectedPartitions: int32(len(details[t.Rejected].Partitions)),
	}, nil
}

// HashKey is the key of the log's identity hashes, a function of the ids of its
// cluster and of its topic: all who read the log have the same.
func (c *Client) HashKey(ctx context.Context) (event.HashKey, error) {
	topic := c.Topics().Events
	details, err := c.admin().ListTopics(ctx, topic)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return event.HashKey{}, fmt.Errorf("look up topic %s: %w", topic, err)
	}
	id, err := c.identity(ctx, details)
	if err != nil {
		return event.HashKey{}, err
	}
	sum := sha256.Sum256([]byte("identity hashes\n" + id.ClusterID + "\n" + id.Topic + "\n" + id.TopicID))
	return event.HashKey{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}, nil
}

// idOf is a topic's id, which is empty where the broker has none.
func idOf(d kadm.TopicDetail) string {
	if d.ID == (kadm.TopicID{}) {
		return ""
	}
	return d.ID.String()
}
