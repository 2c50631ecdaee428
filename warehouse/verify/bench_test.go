package verify_test

import (
	"context"
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
	bulk := brokertest.OpenAt(b, s.cl.Config(), append(broker.ProducerOptions(), kgo.ProducerLinger(100*time.Millisecond))...)
	for n := range b.N {
		e := event.Event{
			ID: fmt.Sprintf("evt_%08d", n), Type: event.TypeView, Timestamp: begin + event.Millis(n),
			UserID: fmt.Sprintf("user_%06d", n*7919%200_000), SessionID: fmt.Sprintf("sess_%06d", n*104729%100_000),
			ProductID: fmt.Sprintf("prod_%05d", n*31%10_000), ProductCategory: "shoes", Brand: "acme",
			Currency: "EUR", DeviceType: "mobile", PageURL: "https://shop.example/p", Price: 4999 * 100, HasPrice: true, Quantity: 1, Source: "bench",
		}
		bulk.Produce(b.Context(), &kgo.Record{Topic: s.cl.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil),
			Timestamp: time.Now(), Partition: event.Partition(e.Key(), s.id.Partitions)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := bulk.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	m, err := mirror.New(mirror.Config{Broker: s.cl, Warehouse: s.wh})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	b.ResetTimer()
	go func() { done <- m.Run(ctx) }()
	ends, err := s.cl.EndOffsets(b.Context(), s.cl.Topics().Events)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cl.WaitCommitted(b.Context(), s.cl.Group("mirror"), s.cl.Topics().Events, ends, nil, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.StopTimer()
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	b.ReportMetric(float64(sample[0].Value.Uint64())/(1<<20), "MiB")
	r, err := verify.Run(b.Context(), verify.Config{Broker: s.cl, Warehouse: s.wh, Rule: event.DefaultRule()})
	cancel()
	if err != nil || !r.OK() && r.Differences[0].Kind[:5] == "event" {
		b.Fatal(err, r)
	}
	b.ReportMetric(r.Elapsed.Seconds(), "verify_s")
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
