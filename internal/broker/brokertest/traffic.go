package brokertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Traffic is a shop's for benchmarks: 10,000 products by Zipf's law, 50,000
// users, events of 257 bytes in the order in which they happened. Every hundredth
// product is viewed and never bought. The same Traffic is the same events.
type Traffic struct {
	random   *rand.Rand
	products *rand.Zipf
	begin    event.Millis
	step     float64 // between two events, ms
	n        int
}

var trafficTypes = []string{event.TypeView, event.TypeView, event.TypeView, event.TypeView, event.TypeAddToCart, event.TypePurchase}

// NewTraffic is one of so many events in a time that ends before now.
func NewTraffic(events int, in time.Duration) *Traffic {
	random := rand.New(rand.NewPCG(1, 2))
	now := event.MillisOf(time.Now())
	begin := event.MillisOf(time.Now().Add(-in).Truncate(24 * time.Hour).Add(8 * time.Hour))
	if begin+event.MillisOf(time.Unix(0, 0).Add(in)) > now {
		begin -= 24 * 3600 * 1000
	}
	return &Traffic{
		random: random, products: rand.NewZipf(random, 1.1, 10, 9_999), begin: begin,
		step: float64(in.Milliseconds()) / float64(events),
	}
}

// Next is the next event.
func (l *Traffic) Next() event.Event {
	user, product := l.random.IntN(50_000), l.products.Uint64()
	e := event.Event{
		ID: fmt.Sprintf("%08x-1111-4222-8333-%012x", l.n, l.n), Type: trafficTypes[l.random.IntN(len(trafficTypes))],
		Timestamp: l.begin + event.Millis(float64(l.n)*l.step),
		UserID:    fmt.Sprintf("user_%05d", user), SessionID: fmt.Sprintf("sess_%05d", user),
		ProductID: fmt.Sprintf("prod_%05d", product), ProductCategory: "electronics",
		Price: int64(l.random.IntN(1_000_000)) * 100, HasPrice: true, Quantity: 1, DeviceType: "mobile",
	}
	if product%100 == 99 && e.Type == event.TypePurchase {
		e.Type = event.TypeView
	}
	l.n++
	return e
}

// OpenTraffic is a client that Write is fast with, closed at the test's end. It
// makes the topics, with twelve partitions.
func OpenTraffic(t testing.TB, cfg broker.Config) *broker.Client {
	t.Helper()
	cfg.Partitions = 12
	cl := OpenAt(t, cfg, append(broker.ProducerOptions(), kgo.ProducerLinger(100*time.Millisecond), kgo.MaxBufferedRecords(500_000))...)
	if _, err := cl.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cl
}

// Write appends the next n events to the log of a client of OpenTraffic.
func (l *Traffic) Write(t testing.TB, cl *broker.Client, n int) {
	t.Helper()
	for range n {
		e := l.Next()
		value := e.AppendJSON(nil)
		if l.n == 2 {
			t.Logf("an event of %d bytes: %s", len(value), value)
		}
		cl.Produce(t.Context(), &kgo.Record{
			Topic: cl.Topics().Events, Partition: event.Partition(e.Key(), cl.Config().Partitions), Key: []byte(e.Key()), Value: value,
		}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
