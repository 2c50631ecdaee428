package backtest

import (
	"fmt"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// BenchmarkBacktest is a backtest of b.N events of two hours, in 12 partitions,
// with the broker on the same cores:
//
//	task bench:backtest
//
// Rule is the default rule, and Sweep views=50..200, which is 16 rules in one set.
// events/s is all events divided by the time of the reading.
func BenchmarkBacktest(b *testing.B) {
	one, err := rules.FlashSale(event.DefaultRule())
	if err != nil {
		b.Fatal(err)
	}
	sweep, err := ParseSweep("views=50..200")
	if err != nil {
		b.Fatal(err)
	}
	swept, err := sweep.Sets(one)
	if err != nil {
		b.Fatal(err)
	}
	all, shared := b, brokertest.Config(b)
	logs := make(map[int]*broker.Client) // by number of events
	for _, c := range []struct {
		name string
		sets []*rules.Set
	}{{"Rule", []*rules.Set{one}}, {"Sweep", swept}} {
		b.Run(c.name, func(b *testing.B) {
			cl := logs[b.N]
			if cl == nil {
				cfg := shared
				cfg.TopicPrefix += fmt.Sprintf("%d-", b.N)
				cl = brokertest.OpenTraffic(all, cfg)
				brokertest.NewTraffic(b.N, 2*time.Hour).Write(b, cl, b.N)
				logs[b.N] = cl
			}
			key, err := cl.HashKey(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			span := SpanOf(nil, nil, c.sets)
			source, _, err := Log(b.Context(), cl, span)
			if err != nil {
				b.Fatal(err)
			}
			r, err := Run(b.Context(), Config{Sets: c.sets, Span: span, Zone: time.UTC, Source: source, HashKey: key})
			if err != nil || r.Events != int64(b.N) {
				b.Fatalf("%v: %d events of %d", err, r.Events, b.N)
			}
			b.StopTimer()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(b.Elapsed().Seconds(), "elapsed-s")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(r.Rules[0].Alerts), "alerts")
		})
	}
}
