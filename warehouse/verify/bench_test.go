package verify_test

import (
	"fmt"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/verify"
)

// BenchmarkMirrorAndVerify takes b.N events from a log in this process into
// ClickHouse, with the mirror's defaults, and verifies them:
//
//	go test ./warehouse/verify -run '^$' -bench . -benchtime 2000000x
//
// The memory is the whole process's, the log in it included.
func BenchmarkMirrorAndVerify(b *testing.B) {
	s := newShop(b)
	begin := event.MillisOf(time.Now().Add(-time.Hour))
	// As an import writes it: in large batches.
	bulk := brokertest.OpenAt(b, s.Broker.Config(), append(broker.ProducerOptions(), kgo.ProducerLinger(100*time.Millisecond))...)
	for n := range b.N {
		e := event.Event{
			ID: fmt.Sprintf("evt_%08d", n), Type: event.TypeView, Timestamp: begin + event.Millis(n),
			UserID: fmt.Sprintf("user_%06d", n*7919%200_000), SessionID: fmt.Sprintf("sess_%06d", n*104729%100_000),
			ProductID: fmt.Sprintf("prod_%05d", n*31%10_000), ProductCategory: "shoes", Brand: "acme",
			Currency: "EUR", DeviceType: "mobile", PageURL: "https://shop.example/p", Price: 4999 * 100, HasPrice: true, Quantity: 1, Source: "bench",
		}
		bulk.Produce(b.Context(), s.Event(e, time.Now()), func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := bulk.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	m := s.Mirror(func(c *mirror.Config) { c.BatchRows, c.BatchDelay = 0, 0 }) // its defaults
	ends, err := s.Broker.EndOffsets(b.Context(), s.ID.Topic)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Tables.WaitStored(b.Context(), s.Broker, s.ID.Topic, ends, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.StopTimer()
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	b.ReportMetric(float64(sample[0].Value.Uint64())/(1<<20), "MiB")
	r, err := verify.Run(b.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables, Rule: event.DefaultRule()})
	if err != nil || !r.OK() && r.Differences[0].Kind[:5] == "event" {
		b.Fatal(err, r)
	}
	b.ReportMetric(r.Elapsed.Seconds(), "verify_s")
	m.Stop()
}
