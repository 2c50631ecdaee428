package processor

import (
	"context"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/testwait"
)

func outageShop(t *testing.T) (*shop, *embedded.Broker, string) {
	t.Helper()
	dir := t.TempDir()
	b, cfg := brokertest.Start(t, dir)
	cl := brokertest.OpenAt(t, cfg, broker.ProducerOptions()...)
	if _, err := cl.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &shop{t: t, cl: cl}, b, dir
}

func TestAnUnreachableBrokerIsWaitedFor(t *testing.T) {
	s, b, dir := outageShop(t)
	arrivals := someHours(5, 3000)
	s.append(arrivals[:1500]...)
	p := s.start(smallRule, nil)
	testwait.Until(t, "alerts are acknowledged", func() bool { return p.Stats().Alerts > 0 })
	addr := b.Addr()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	brokertest.StartAt(t, dir, addr)
	s.append(arrivals[1500:]...)
	p.close()
	s.check(smallRule)
}

func TestItStopsSoonWithoutABroker(t *testing.T) {
	s, b, _ := outageShop(t)
	s.append(someHours(6, 500)...)
	p := s.start(smallRule, nil)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events > 500 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stopped := make(chan struct{})
	began := time.Now()
	go func() { p.stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Logf("stopped after %s", time.Since(began))
	case <-ctx.Done():
		t.Fatal("it does not stop")
	}
}
