package processor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// BenchmarkAlertLatency reports how long it takes from the acknowledgement of
// the view that makes a product's windows qualify to that of the alert, while
// 20,000 events a second of other products come. An iteration is one alert.
func BenchmarkAlertLatency(b *testing.B) {
	s := brokertest.NewShop(b, brokertest.Options{})
	rule := event.DefaultRule()
	var mu sync.Mutex
	emitted := make(map[string]time.Time)
	p, err := newBy(rule, Config{Broker: s.Broker, OnAlert: func(a event.Alert) {
		mu.Lock()
		defer mu.Unlock()
		if emitted[a.ProductID].IsZero() {
			emitted[a.ProductID] = time.Now()
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	testwait.Run(b, p.Run)
	load := testwait.Run(b, (&traffic{s: s}).run)
	testwait.Until(b, "the load is read", func() bool { return p.Stats().Partitions == int(broker.DefaultPartitions) && p.Stats().Events > 20_000 })

	b.ResetTimer()
	began, before := time.Now(), p.Stats().Events
	var took []time.Duration
	for i := range b.N {
		product := fmt.Sprint("sale-", i)
		var last *kgo.Record
		for j := range rule.ViewsOver + 1 {
			if last != nil {
				s.Broker.Produce(b.Context(), last, nil)
			}
			now := time.Now()
			last = s.Event(event.Event{ID: fmt.Sprint(j), Type: event.TypeView, Timestamp: event.MillisOf(now), UserID: "u", ProductID: product, Quantity: 1}, now)
		}
		s.Produce(last)
		acknowledged := time.Now()
		testwait.Until(b, "the alert of "+product+" is acknowledged", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return !emitted[product].IsZero()
		})
		took = append(took, max(0, emitted[product].Sub(acknowledged)))
	}
	rate := float64(p.Stats().Events-before) / time.Since(began).Seconds()
	load.Stop()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(0, "ns/op")
}

// traffic appends 20,000 events a second, 200 every 10 ms, of 10,000 products
// with one view each in turn.
type traffic struct{ s *brokertest.Shop }

func (l *traffic) run(ctx context.Context) error {
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			for range 200 {
				e := event.Event{ID: fmt.Sprint(n), Type: event.TypeView, Timestamp: event.MillisOf(now), UserID: "u", ProductID: fmt.Sprint("p", n%10_000), Quantity: 1}
				l.s.Broker.Produce(ctx, l.s.Event(e, now), nil)
				n++
			}
		}
	}
}
