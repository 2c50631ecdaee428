package ingest

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func testProducer(t *testing.T, cfg *broker.Client) *Producer {
	t.Helper()
	p, err := NewProducer(testContext(t), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// newPipeline is a broker of the test's own with a producer.
func newPipeline(t *testing.T) (*broker.Client, *Producer) {
	t.Helper()
	cfg := brokertest.Open(t)
	return cfg, testProducer(t, cfg)
}

// onLog returns the events on the log, all of which have to be valid.
func onLog(t *testing.T, cfg *broker.Client) []event.Event {
	t.Helper()
	var d event.Decoder
	var events []event.Event
	readTopic(t, cfg, cfg.Topics().Events, func(r *kgo.Record) {
		var e event.Event
		rec := broker.EventRecord(r)
		if err := d.ReadRecord(rec, broker.DefaultPartitions, &e); err != nil {
			t.Errorf("the record at %d-%d is not valid: %v: %s", r.Partition, r.Offset, err, r.Value)
		}
		events = append(events, e)
	})
	return events
}

func onRejected(t *testing.T, cfg *broker.Client) []event.Rejected {
	t.Helper()
	var rejected []event.Rejected
	readTopic(t, cfg, cfg.Topics().Rejected, func(r *kgo.Record) {
		rejected = append(rejected, broker.ParseRejected(r))
	})
	return rejected
}

func readTopic(t *testing.T, cfg *broker.Client, topic string, fn func(*kgo.Record)) {
	t.Helper()
	ctx := testContext(t)
	cl, err := cfg.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := cl.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error { fn(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// identities are the distinct identities of events (E3).
func identities(events []event.Event) map[uint64]bool {
	ids := make(map[uint64]bool)
	for i := range events {
		ids[events[i].IdentityHash()] = true
	}
	return ids
}

func aView() event.Event {
	return event.Event{
		ID: "e1", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()),
		UserID: "u1", ProductID: "p1", Quantity: 1,
	}
}
