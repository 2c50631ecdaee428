package processor

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

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
	began := time.Now()
	p.Stop()
	if took := time.Since(began); took > patience {
		t.Errorf("it stops after %s", took)
	}
}

// Another member that has died or hangs holds up a join for a minute.
func TestItStopsSoonWhileItJoins(t *testing.T) {
	s, b, _ := outageShop(t)
	produce(s, someHours(7, 500)...)
	p := start(s, smallRule, nil)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events > 500 })
	joining := brokertest.HoldJoins(b)
	testwait.Until(t, "it joins the group again", joining)
	began := time.Now()
	p.Stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it stops after %s", took)
	}
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
