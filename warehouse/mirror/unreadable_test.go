package mirror_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// The way that the error names leads past the batch, and leaves a gap.
func TestM6_ABatchThatCannotBeReadIsPassedOverAsTheErrorSays(t *testing.T) {
	s := warehousetest.NewShop(t, brokertest.Options{Partitions: 1})
	topic := s.Broker.Topics().Events
	one := func(id string) *kgo.Record {
		return s.Event(event.Event{ID: id, Type: event.TypePurchase, Timestamp: event.MillisOf(time.Now()), Quantity: 1, ProductID: "p", UserID: "u"}, time.Now())
	}
	s.Produce(one("before"))
	large := brokertest.OpenAt(t, s.Broker.Config(), append(broker.ProducerOptions(), kgo.ProducerBatchMaxBytes(200<<20), kgo.MaxBufferedBytes(0), kgo.BrokerMaxWriteBytes(210<<20))...)
	if err := large.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: make([]byte, 80<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.Produce(one("after"))
	newMirror := func() *testwait.Running {
		m, err := mirror.New(mirror.Config{Broker: s.Broker, Warehouse: s.Tables, BatchDelay: 50 * time.Millisecond, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		return testwait.Run(t, m.Run)
	}
	err := newMirror().Wait()
	if !errors.Is(err, kgo.ErrMaxDecompress) || !strings.Contains(err.Error(), "the batch at offset 1 ") || !strings.Contains(err.Error(), "before offset 2 (") {
		t.Fatalf("the mirror ended with %v, want the place and the way out", err)
	}
	s.Want("SELECT count() FROM events", 1)
	cut(s, topic, broker.Offsets{0: 2})
	running := newMirror()
	s.WaitStored()
	running.Stop()
	s.Want("SELECT count() FROM events", 2)
	wantGaps(s, topic, broker.Offsets{0: 1}, broker.Offsets{0: 2})
}
