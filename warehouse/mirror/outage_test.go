package mirror_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// What ends the tries to commit then is that there is nothing left to commit.
func TestPartitionsThatAreLostInAnOutageAreNotTakenForItsEnd(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	b.Cluster().ControlKey(kmsg.OffsetCommit.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		return refuseCommit(r.(*kmsg.OffsetCommitRequest)), nil, true
	})
	var expelled atomic.Bool
	b.Cluster().ControlKey(kmsg.Heartbeat.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		answer := r.ResponseKind().(*kmsg.HeartbeatResponse)
		answer.ErrorCode = kerr.UnknownMemberID.Code
		return answer, nil, expelled.Load()
	})
	var log testwait.Output
	m := s.Mirror(func(c *mirror.Config) { c.Log = zerolog.New(&log) })
	produce(s, 0, 10)
	testwait.Until(t, "a commit is tried again", func() bool { return m.Stats().Retries > 0 })
	expelled.Store(true)
	testwait.Until(t, "the batch's partitions are lost", func() bool { return m.Stats().Batches > 0 })
	if strings.Contains(log.String(), "it works again") {
		t.Errorf("no commit has been taken, but the log says that it works again: %s", log.String())
	}
}

func refuseCommit(r *kmsg.OffsetCommitRequest) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewOffsetCommitResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.NotEnoughReplicas.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}
