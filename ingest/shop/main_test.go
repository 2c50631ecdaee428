package shop

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/ingest"
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

// newPipeline is a broker of the test's own with a producer.
func newPipeline(t *testing.T) (*broker.Client, *ingest.Producer) {
	t.Helper()
	cfg := brokertest.Open(t)
	p, err := ingest.NewProducer(testContext(t), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return cfg, p
}

// onLog returns the events on the log, all of which have to be valid.
func onLog(t *testing.T, cfg *broker.Client) []event.Event {
	t.Helper()
	ctx := testContext(t)
	cl, err := cfg.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topic := cfg.Topics().Events
	ends, err := cl.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var d event.Decoder
	var events []event.Event
	err = cfg.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		var e event.Event
		rec := broker.EventRecord(r)
		if err := d.ReadRecord(rec, broker.DefaultPartitions, &e); err != nil {
			t.Errorf("the record at %d-%d is not valid: %v: %s", r.Partition, r.Offset, err, r.Value)
		}
		events = append(events, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}
