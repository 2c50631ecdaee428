package ingest

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testProducer(t *testing.T, cfg *broker.Client) *Producer {
	t.Helper()
	p, err := NewProducer(testwait.Context(t), cfg, zerolog.Nop())
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

// identities are the distinct identities of events (E3).
func identities(events []event.Event) map[uint64]bool {
	ids := make(map[uint64]bool)
	for i := range events {
		ids[events[i].IdentityHash(event.HashKey{})] = true
	}
	return ids
}

func aView() event.Event {
	return event.Event{
		ID: "e1", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()),
		UserID: "u1", ProductID: "p1", Quantity: 1,
	}
}
