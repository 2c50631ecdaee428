package processor

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

func outageShop(t *testing.T) (*brokertest.Shop, *embedded.Broker, string) {
	t.Helper()
	dir := t.TempDir()
	b, cfg := brokertest.Start(t, dir)
	return brokertest.NewShop(t, brokertest.Options{Broker: cfg}), b, dir
}

func TestAnUnreachableBrokerIsWaitedFor(t *testing.T) {
	s, b, dir := outageShop(t)
	arrivals := someHours(5, 3000)
	produce(s, arrivals[:1500]...)
	p := start(s, smallRule, nil)
	testwait.Until(t, "alerts are acknowledged", func() bool { return p.Stats().Alerts > 0 })
	addr := b.Addr()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	brokertest.StartAt(t, dir, addr)
	produce(s, arrivals[1500:]...)
	p.close()
	check(s, smallRule)
}

func TestItStopsSoonWithoutABroker(t *testing.T) {
	s, b, _ := outageShop(t)
	produce(s, someHours(6, 500)...)
	p := start(s, smallRule, nil)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events > 500 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p.StopSoon()
}

// Another member that has died or hangs holds up a join for a minute.
func TestItStopsSoonWhileItJoins(t *testing.T) {
	s, b, _ := outageShop(t)
	produce(s, someHours(7, 500)...)
	p := start(s, smallRule, nil)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events > 500 })
	joining := brokertest.HoldJoins(b)
	testwait.Until(t, "it joins the group again", joining)
	p.StopSoon()
}

func TestNoAlertWaitsForACommit(t *testing.T) {
	s, b, _ := outageShop(t)
	var held atomic.Bool
	b.Cluster().ControlKey(kmsg.OffsetCommit.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		held.Store(true)
		return nil, nil, true
	})
	start(s, smallRule, nil)
	produceNow(s, "p")
	testwait.Until(t, "a commit is not answered", held.Load)
	for _, product := range []string{"q", "r"} {
		produceNow(s, product)
		testwait.Until(t, "the alert of "+product+" is emitted", func() bool { return len(alertsOf(s, product)) > 0 })
	}
}

// Another member that has died or hangs holds up a join for a minute.
func TestNoAlertWaitsForAJoin(t *testing.T) {
	s, b, _ := outageShop(t)
	p := start(s, smallRule, nil)
	produceNow(s, "p")
	testwait.Until(t, "its alert is emitted", func() bool { return p.Stats().Alerts > 0 })
	testwait.Until(t, "it joins the group again", brokertest.HoldJoins(b))
	for _, product := range []string{"q", "r", "s"} {
		produceNow(s, product)
		testwait.Until(t, "the alert of "+product+" is emitted", func() bool { return len(alertsOf(s, product)) > 0 })
	}
}

// One partition of the alerts topic has no leader.
func TestAPartitionThatCannotBeWrittenHoldsUpNoOther(t *testing.T) {
	s, b, _ := outageShop(t)
	alerts := s.Broker.Topics().Alerts
	leaderless := event.Partition("p", broker.DefaultPartitions)
	without := b.Cluster().Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: alerts, Partitions: []int32{leaderless}, Err: kerr.NotLeaderForPartition, Count: -1,
	})
	p := start(s, smallRule, nil)
	produceNow(s, "p")
	var others []string
	for i := 0; len(others) < 4; i++ {
		if name := fmt.Sprint("other", i); event.Partition(name, broker.DefaultPartitions) != leaderless {
			others = append(others, name)
		}
	}
	for _, product := range others {
		produceNow(s, product)
		testwait.Until(t, "the alert of "+product+" is emitted", func() bool { return len(alertsOf(s, product)) > 0 })
	}
	testwait.Until(t, "the others commit", func() bool {
		done, err := Acknowledged(t.Context(), s.Broker)
		return err == nil && done[event.Partition(others[0], broker.DefaultPartitions)] > 0
	})
	if done, err := Acknowledged(t.Context(), s.Broker); err != nil || done[leaderless] > 0 {
		t.Errorf("offset %d of the partition without a leader is committed: %v", done[leaderless], err)
	}
	without.Remove()
	testwait.Until(t, "its alert is emitted too", func() bool { return len(alertsOf(s, "p")) > 0 })
	p.close()
	check(s, smallRule)
}

// produceNow appends the views that make a product's windows qualify.
func produceNow(s *brokertest.Shop, product string) {
	s.Helper()
	arrivals := views(product, 0, smallRule.ViewsOver+1)
	for i := range arrivals {
		arrivals[i].Timestamp = event.MillisOf(time.Now())
		arrivals[i].received = arrivals[i].Timestamp
	}
	produce(s, arrivals...)
}
