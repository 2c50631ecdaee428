package mirror_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker/brokertest"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// Reading can end for good, such as with a right that was taken away, while a
// batch is being filled. It panicked then, and later threw away what had been
// read.
func TestM2_WhatWasReadBeforeAFatalReadErrorIsStored(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	produce(s, 0, 10)
	var denied atomic.Bool
	denied.Store(true)
	b.Cluster().ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		answer := denyBehindTheFirst(r.(*kmsg.FetchRequest))
		return answer, nil, answer != nil && denied.Load()
	})
	m := s.Mirror(func(c *mirror.Config) { c.BatchDelay = time.Hour })
	if err := m.Wait(); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("Run returns %v, want the error of the read", err)
	}
	stats := m.Stats()
	if stats.Events == 0 || stats.Batches != 1 {
		t.Errorf("%d events in %d batches are stored, want the batch that was being filled", stats.Events, stats.Batches)
	}
	s.Want("SELECT count() FROM event_log", uint64(stats.Events))

	denied.Store(false)
	m = s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 10)
}

// denyBehindTheFirst refuses the partitions of a fetch whose first records have
// been read: the client asks for the next ones when the reader has taken those.
// It is nil where there are none.
func denyBehindTheFirst(r *kmsg.FetchRequest) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.FetchResponse)
	answer.SessionID = r.SessionID
	for _, t := range r.Topics {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			if p.FetchOffset == 0 {
				continue
			}
			partition := kmsg.NewFetchResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		if len(topic.Partitions) > 0 {
			answer.Topics = append(answer.Topics, topic)
		}
	}
	if len(answer.Topics) == 0 {
		return nil
	}
	return answer
}
