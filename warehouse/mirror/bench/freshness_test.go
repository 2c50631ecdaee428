package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// BenchmarkFreshness appends b.N events, 200 a second, while the binary mirrors
// them with its defaults, and looks every 5 ms how many are in the table. It
// reports how long after its acknowledgement an event was there (M4):
//
//	go test -run '^$' -bench Freshness -benchtime 6000x ./warehouse/mirror/bench
func BenchmarkFreshness(b *testing.B) {
	s := newSuite(b)
	t := newTables(b, s.server, fmt.Sprintf("bench_freshness_%d", b.N))
	defer t.drop(b)
	cfg := s.broker
	cfg.TopicPrefix += "fresh-"
	cfg.Partitions = 12
	var err error
	if t.log, err = broker.Open(cfg, broker.ProducerOptions()...); err != nil {
		b.Fatal(err)
	}
	defer t.log.Close()
	if _, err := t.log.EnsureTopics(b.Context()); err != nil {
		b.Fatal(err)
	}
	cmd := s.start(b, t, "mirror")
	defer stop(b, cmd)
	// The first event waits for the mirror's start.
	appendOne(b, t.log, 0)
	stored := func() int { return int(t.number(b, "SELECT count() FROM event_log")) }
	for stored() < 1 {
		time.Sleep(5 * time.Millisecond)
	}

	b.ResetTimer()
	acknowledged := make(chan time.Time, b.N)
	go func() {
		defer close(acknowledged)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := range b.N {
			<-ticker.C
			appendOne(b, t.log, n+1)
			acknowledged <- time.Now()
		}
	}()
	var after []time.Duration
	for len(after) < b.N {
		seen, now := stored()-1, time.Now()
		for len(after) < seen {
			// One that is read before its acknowledgement has come is fresh at once.
			after = append(after, max(0, now.Sub(<-acknowledged)))
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.StopTimer()
	slices.Sort(after)
	b.ReportMetric(0, "ns/op")
	for name, share := range map[string]int{"p50-ms": 500, "p99-ms": 990, "max-ms": 1000} {
		b.ReportMetric(float64(after[(len(after)-1)*share/1000].Microseconds())/1000, name)
	}
	b.ReportMetric(t.number(b, parts), "parts")
}

func appendOne(b *testing.B, log *broker.Client, n int) {
	b.Helper()
	e := event.Event{
		ID: fmt.Sprintf("e%d", n), Type: event.TypeView, Timestamp: event.MillisOf(time.Now()),
		UserID: fmt.Sprintf("user_%05d", n%50_000), ProductID: fmt.Sprintf("prod_%05d", n%10_000), Quantity: 1,
	}
	err := log.ProduceSync(b.Context(), &kgo.Record{
		Topic: log.Topics().Events, Partition: event.Partition(e.Key(), 12), Key: []byte(e.Key()), Value: e.AppendJSON(nil),
	}).FirstErr()
	if err != nil {
		b.Error(err)
	}
}
