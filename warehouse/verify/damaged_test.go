package verify_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

// Rows whose records could be read when they were stored are right as far as
// anybody can tell.
func TestRowsOfABatchThatIsPassedOverAreNoDifference(t *testing.T) {
	dir := t.TempDir()
	_, cfg := brokertest.Start(t, dir)
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 1, OwnReceiveTimes: true})
	for _, id := range []string{"first", "second", "third"} {
		at := time.Now()
		s.Produce(s.Event(event.Event{ID: id, Type: event.TypeView, Timestamp: event.MillisOf(at), Quantity: 1, ProductID: "p", UserID: "u"}, at))
	}
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	brokertest.Damage(t, dir, s.ID.Topic, 0, 1, false)
	run := func() (verify.Report, error) {
		b := brokertest.OpenAt(t, cfg, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		return verify.Run(t.Context(), verify.Config{Broker: b, Warehouse: s.Tables, Wait: 30 * time.Second})
	}
	if _, err := run(); !broker.Unreadable(err) {
		t.Errorf("without the setting it ends with %v", err)
	}
	cfg.PassOver = []broker.OffsetRange{{Topic: s.ID.Topic, First: 1, Last: 1}}
	if r, err := run(); err != nil || !r.OK() {
		t.Errorf("%v: %s", err, r)
	}
}
