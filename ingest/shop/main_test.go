package shop

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
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
