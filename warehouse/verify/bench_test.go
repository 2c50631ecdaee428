package verify_test

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/proctest"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

// BenchmarkVerify verifies b.N events of 12 partitions: 10,000 products by Zipf,
// 50,000 users, two hours, one in a hundred sent twice. The broker and ClickHouse
// are on the same cores:
//
//	task bench:verify
//
// It prints what each step took. Our peak of memory is that of the process of the
// benchmark, which with the embedded broker holds that too.
func BenchmarkVerify(b *testing.B) {
	s := warehousetest.NewShop(b, brokertest.Options{Partitions: 12, OwnReceiveTimes: true})
	produceShop(b, s)
	m := s.Mirror(func(c *mirror.Config) { c.BatchRows, c.BatchDelay = 0, 0 }) // its defaults
	ends, err := s.Broker.EndOffsets(b.Context(), s.ID.Topic)
	if err == nil {
		err = s.Tables.WaitStored(b.Context(), s.Broker, s.ID.Topic, ends, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	m.Stop()
	debug.FreeOSMemory() // what producing and storing have left
	own, engine := proctest.Self, proctest.Child()
	own.ForgetPeak()
	engine.ForgetPeak()
	step, begun := "", time.Now()
	next := func(name string) {
		if name != step && step != "" {
			b.Logf("%-45s %6.2f s", step, time.Since(begun).Seconds())
		}
		if name != step {
			step, begun = name, time.Now()
		}
	}
	b.ResetTimer()
	r, err := verify.Run(b.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables,
		Progress: func(p verify.Progress) { next(p.Step) }})
	b.StopTimer()
	next("")
	if err != nil || !r.OK() && strings.HasPrefix(r.Differences[0].Kind, "event") {
		b.Fatal(err, r)
	}
	b.ReportMetric(float64(r.Events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(engine.PeakMiB(), "clickhouse-peak-MiB")
	b.ReportMetric(own.PeakMiB(), "own-peak-MiB")
	b.ReportMetric(float64(r.ByColumn), "by-column")
}

// produceShop writes b.N events as an import does, in large batches.
func produceShop(b *testing.B, s *warehousetest.Shop) {
	b.Helper()
	begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	bulk := brokertest.OpenAt(b, s.Broker.Config(), append(broker.ProducerOptions(), kgo.ProducerLinger(100*time.Millisecond))...)
	rnd := rand.New(rand.NewPCG(1, 2))
	products := rand.NewZipf(rnd, 1.1, 1, 9_999)
	types := []string{event.TypeView, event.TypeView, event.TypeView, event.TypeView, event.TypeView, event.TypeView, event.TypeAddToCart, event.TypePurchase}
	for n := range b.N {
		at := begin.Add(time.Duration(n) * 2 * time.Hour / time.Duration(b.N))
		e := event.Event{
			ID: fmt.Sprintf("evt_%016x", rnd.Uint64()), Type: types[rnd.IntN(len(types))], Timestamp: event.MillisOf(at.Add(-time.Duration(rnd.IntN(2000)) * time.Millisecond)),
			UserID: fmt.Sprintf("user_%06d", rnd.IntN(50_000)), SessionID: fmt.Sprintf("sess_%06d", rnd.IntN(100_000)),
			ProductID: fmt.Sprintf("prod_%05d", products.Uint64()), ProductCategory: "shoes", Brand: "acme",
			Price: int64(rnd.IntN(50_000)) * 100, HasPrice: true, Quantity: 1, Source: "bench",
		}
		for range 1 + bit(rnd.IntN(100) == 0) {
			bulk.Produce(b.Context(), s.Event(e, at), func(_ *kgo.Record, err error) {
				if err != nil {
					b.Error(err)
				}
			})
		}
	}
	if err := bulk.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}
