package mirror_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// What ends the tries to commit then is that there is nothing left to commit.
func TestPartitionsThatAreLostInAnOutageAreNotTakenForItsEnd(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	b.Cluster().ControlKey(kmsg.OffsetCommit.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		return refuseCommit(r.(*kmsg.OffsetCommitRequest), kerr.NotEnoughReplicas), nil, true
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

// A rebalance that leaves the partitions where they are refuses a commit that was
// under way. No later record may come to commit its offsets too.
func TestM2_ACommitThatARebalanceRefusesIsMadeAgain(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	const refusals = 3
	var refused atomic.Int64
	b.Cluster().ControlKey(kmsg.OffsetCommit.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		if refused.Add(1) > refusals {
			return nil, nil, false
		}
		return refuseCommit(r.(*kmsg.OffsetCommitRequest), kerr.IllegalGeneration), nil, true
	})
	produce(s, 0, 10)
	m := s.Mirror(func(c *mirror.Config) { c.BatchDelay = time.Second }) // all in one batch
	s.WaitStored()
	m.Stop()
	if refused.Load() <= refusals {
		t.Error("no commit was refused, so nothing is shown")
	}
	s.Want("SELECT count() FROM event_log", 10)
}

func refuseCommit(r *kmsg.OffsetCommitRequest, with *kerr.Error) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewOffsetCommitResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, with.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

// Another member that has died or hangs holds up a join for a minute.
func TestItStopsSoonWhileItJoinsAndClickHouseHangs(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	g := newGate(t, server.TCPAddr())
	s := warehousetest.NewShopAt(t, brokertest.Options{Broker: cfg, Partitions: 4},
		warehouse.Config{Addr: []string{g.addr()}, User: embedded.User, Password: server.Credentials().Password})
	m := s.Mirror()
	produce(s, 0, 100)
	s.WaitStored()
	joining := brokertest.HoldJoins(b)
	g.close()
	testwait.Until(t, "it joins the group again", joining)
	produce(s, 100, 200)
	m.StopSoon()
}

// A member that has not left holds its partitions until its session times out.
func TestItLeavesItsGroupWhileClickHouseIsUnreachable(t *testing.T) {
	s, g := gatedShop(t)
	tables, err := s.Tables.TableSet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := s.Mirror()
	produce(s, 0, 100)
	s.WaitStored()
	g.move("127.0.0.1:0")
	g.cut()
	produce(s, 100, 200)
	testwait.Until(t, "an insert is tried again", func() bool { return m.Stats().Retries > 0 })
	m.Stop()
	group := tables.Group(s.Broker)
	if members, err := s.Broker.Members(t.Context(), group); err != nil || members[group] > 0 {
		t.Errorf("the group has %d members after the only one has stopped (%v)", members[group], err)
	}
}
