package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is the broker of a simulation: an embedded one, on the simulation's
// network.
type Cluster struct {
	*kfake.Cluster
	network *Network
	addrs   []string
}

const firstPort = 9092

// StartCluster starts so many brokers.
func StartCluster(n *Network, brokers int) (*Cluster, error) {
	var ports []int
	var addrs []string
	for i := range brokers {
		ports = append(ports, firstPort+i)
		addrs = append(addrs, fmt.Sprintf("localhost:%d", firstPort+i))
	}
	c, err := kfake.NewCluster(kfake.Ports(ports...), kfake.ListenFn(n.virtual.Listen), kfake.ClusterID("simulation"))
	if err != nil {
		return nil, fmt.Errorf("start the simulation's broker: %w", err)
	}
	c.ControlKey(kmsg.OffsetForLeaderEpoch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		answer, handled := endsOfEmptied(c, r.(*kmsg.OffsetForLeaderEpochRequest))
		return answer, nil, handled
	})
	return &Cluster{Cluster: c, network: n, addrs: addrs}, nil
}

// endsOfEmptied answers where an earlier leader's records end in a partition of
// which retention has left none: where the partition ends, as in Kafka. The
// embedded broker says 0 there, as if it had lost all that was read. Partitions
// that hold records have to be asked for again.
func endsOfEmptied(c *kfake.Cluster, r *kmsg.OffsetForLeaderEpochRequest) (*kmsg.OffsetForLeaderEpochResponse, bool) {
	answer := r.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	handled := false
	for _, t := range r.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.NotLeaderForPartition.Code
			info := c.PartitionInfo(t.Topic, p.Partition)
			if info != nil && info.Leader == c.CurrentNode() && info.LogStartOffset == info.HighWatermark && p.CurrentLeaderEpoch == info.Epoch {
				partition.ErrorCode, partition.LeaderEpoch, partition.EndOffset = 0, p.LeaderEpoch, info.HighWatermark
				handled = true
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer, handled
}

// Addrs are the brokers' addresses.
func (c *Cluster) Addrs() []string { return c.addrs }

// Down stops a broker: its connections break, and it takes no new ones.
func (c *Cluster) Down(broker int) { c.network.Down(c.addrs[broker]) }

// Up starts it again.
func (c *Cluster) Up(broker int) { c.network.Up(c.addrs[broker]) }

// Cut breaks a broker's connections.
func (c *Cluster) Cut(broker int) { c.network.CutAddress(c.addrs[broker]) }

// Hang has a broker answer nothing until GoOn: its process is stopped.
func (c *Cluster) Hang(broker int) { c.network.Hang(c.addrs[broker]) }

// GoOn ends one Hang.
func (c *Cluster) GoOn(broker int) { c.network.GoOn(c.addrs[broker]) }

// longestRebalance is longer than any that ends.
const longestRebalance = 70 * time.Second

// Guard keeps a consumer group going until ctx ends. The embedded broker counts
// the joining members wrong when one is expelled that waits for its assignment,
// and then a rebalance may never end, other than in Kafka: Guard expels all
// members from such a group, and they join again. It says how often.
func (c *Cluster) Guard(ctx context.Context, cl *kgo.Client, group string) (expelled int) {
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return expelled
		case <-time.After(5 * time.Second):
		}
		groups, err := kadm.NewClient(cl).DescribeGroups(ctx, group)
		if err != nil || groups[group].State != "PreparingRebalance" {
			since = time.Time{}
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) < longestRebalance {
			continue
		}
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = group
		for _, m := range groups[group].Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			leave.Members = append(leave.Members, member)
		}
		if _, err := leave.RequestWith(ctx, cl); err == nil {
			expelled++
			since = time.Time{}
		}
	}
}
