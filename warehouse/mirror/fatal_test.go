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

// Leaving the group hands over the batch that takes records, to writers that
// have ended with the reading. After an error it must not: it panicked, and the
// error was lost.
func TestM2_AFatalReadErrorWithABatchBegunIsReturnedAndTheBatchIsReadAgain(t *testing.T) {
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
	if batches := m.Stats().Batches; batches != 0 {
		t.Errorf("%d batches are stored, so none was begun when the error came", batches)
	}
	s.Want("SELECT count() FROM event_log", 0)

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
