package realkafka_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/realkafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKafkaGoesOnAfterCloseAndKill(t *testing.T) {
	if os.Getenv("CLICKSTREAM_TEST_BROKERS") != "kafka" {
		t.Skip("runs with CLICKSTREAM_TEST_BROKERS=kafka: it needs Java and Maven")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir := t.TempDir()
	var first broker.LogIdentity
	for i, end := range []func(*realkafka.Server) error{(*realkafka.Server).Close, (*realkafka.Server).Kill, (*realkafka.Server).Close} {
		s, err := realkafka.Start(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		cfg := broker.Config{Brokers: []string{s.Addr()}}
		id, ends := write(ctx, t, cfg)
		if i == 0 {
			first = id
		}
		if id != first || ends[0] != int64(i+1) {
			t.Errorf("start %d: log %+v ends at %d, want %+v at %d", i, id, ends[0], first, i+1)
		}
		if err := end(s); err != nil {
			t.Error(err)
		}
	}
}

// write appends one record and returns what log it is in and its ends.
func write(ctx context.Context, t *testing.T, cfg broker.Config) (broker.LogIdentity, broker.Offsets) {
	t.Helper()
	cl, err := broker.Open(cfg, broker.ProducerOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	id, err := cl.EnsureTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: id.Topic, Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	ends, err := cl.EndOffsets(ctx, id.Topic)
	if err != nil {
		t.Fatal(err)
	}
	return id, ends
}
