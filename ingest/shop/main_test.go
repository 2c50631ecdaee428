package shop

import (
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPipeline is a broker of the test's own with a producer.
func newPipeline(t *testing.T) (*broker.Client, *ingest.Producer) {
	t.Helper()
	cfg := brokertest.Open(t)
	p, err := ingest.NewProducer(testwait.Context(t), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return cfg, p
}
