package mirror_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// rejecting is a mirror that has an invalid record to write, and a broker that
// does not take it while denied is set.
type rejecting struct {
	warehousetest.Mirror
	shop   *warehousetest.Shop
	denied *atomic.Bool
	log    *testwait.Output
}

// withInvalid starts one whose broker answers denied writes as answer says.
func withInvalid(t *testing.T, answer func(*kmsg.ProduceRequest) kmsg.Response) rejecting {
	t.Helper()
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Events, Partition: 1, Value: []byte("{")})
	denied, log := new(atomic.Bool), new(testwait.Output)
	denied.Store(true)
	b.Cluster().ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		return answer(r.(*kmsg.ProduceRequest)), nil, denied.Load()
	})
	made, err := mirror.New(mirror.Config{Broker: s.Broker, Warehouse: s.Tables, BatchDelay: 50 * time.Millisecond, Log: zerolog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	made.SetTryTimeout(200 * time.Millisecond)
	return rejecting{warehousetest.Mirror{Mirror: made, Running: testwait.Run(t, made.Run)}, s, denied, log}
}

func withoutQuorum(r *kmsg.ProduceRequest) kmsg.Response {
	return brokertest.RefuseProduce(r, kerr.NotEnoughReplicas)
}

func TestM2_ARejectedTopicWithoutQuorumIsLoggedAndWaitedFor(t *testing.T) {
	m := withInvalid(t, withoutQuorum)
	s := m.shop
	testwait.Until(t, "several tries", func() bool { return m.Stats().Retries > 2 })
	if text := m.log.String(); !strings.Contains(text, "to topic "+s.Broker.Topics().Rejected+": waits and tries again") {
		t.Errorf("the log does not name the topic that is waited for: %s", text)
	}
	for p, offset := range committed(s) {
		if offset != 0 {
			t.Errorf("partition %d: committed %d before the invalid record was acknowledged", p, offset)
		}
	}
	m.denied.Store(false)
	testwait.Until(t, "the record is in the rejected topic", func() bool { return m.Stats().Invalid == 1 })
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM rejected_events", 1)
}

func TestARejectedTopicThatDoesNotAnswerDoesNotHoldUpAStop(t *testing.T) {
	m := withInvalid(t, func(*kmsg.ProduceRequest) kmsg.Response { return nil })
	testwait.Until(t, "a try", func() bool { return m.Stats().Retries > 0 })
	m.StopSoon()
}

// The client that the mirror writes with has written to the rejected topic
// before that was deleted and created again.
func TestM2_ARejectedTopicThatIsCreatedAgainIsWrittenTo(t *testing.T) {
	var m rejecting
	var seen atomic.Int32 // writes since the second invalid record, and that one's; 0 before
	m = withInvalid(t, func(*kmsg.ProduceRequest) kmsg.Response {
		if seen.Load() > 0 {
			// The record gets onto the log, and the mirror's write of it has no answer.
			m.denied.Store(seen.Add(1) == 3)
		}
		return nil
	})
	m.denied.Store(false)
	s, topics := m.shop, m.shop.Broker.Topics()
	testwait.Until(t, "the record is in the rejected topic", func() bool { return m.Stats().Invalid == 1 })
	seen.Store(1)
	s.Produce(&kgo.Record{Topic: topics.Events, Partition: 2, Value: []byte("{")})
	testwait.Until(t, "the mirror writes the next one", func() bool { return seen.Load() == 3 })
	adm := kadm.NewClient(s.Broker.Client)
	if _, err := adm.DeleteTopic(t.Context(), topics.Rejected); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.CreateTopic(t.Context(), 2, -1, nil, topics.Rejected); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "the record is in the new topic", func() bool {
		ends, err := s.Broker.EndOffsets(t.Context(), topics.Rejected)
		return err == nil && ends[0]+ends[1] > 0
	})
	// Its reader has lost the topic too. The role starts again.
	if err := m.Wait(); !errors.Is(err, kerr.UnknownTopicID) {
		t.Errorf("the mirror ended with %v", err)
	}
}
