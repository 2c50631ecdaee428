package verify_test

import (
	"fmt"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
)

// Windows that may have lost events are judged neither by the processor nor here.
// The first event that is left came an hour late, so its own time does not say
// which they are.
func TestW6_W7_WhereTheLogIsCutOnlyWholeWindowsAreCompared(t *testing.T) {
	s := newShop(t)
	begin := event.MillisOf(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	n := 0
	send := func(at, received event.Millis) {
		n++
		e := event.Event{ID: fmt.Sprint("e", n), Type: event.TypeView, Timestamp: at, UserID: "u", ProductID: "p", Quantity: 1}
		s.Produce(s.Event(e, received.Time()))
	}
	putInForce(s, flashSale)
	send(begin, begin)
	send(begin-3_600_000, begin+1000)
	// Five views qualify: in a window that may hold what was cut off, and in one
	// that cannot.
	whole := (begin + event.FutureAfter + 60_000) / 10_000 * 10_000
	for range 5 {
		send(begin+2000, begin+2000)
	}
	for range 5 {
		send(whole+1, whole+1)
	}
	send(whole+600_000, whole+600_000)
	brokertest.Cut(t, s.Broker, s.ID.Topic, broker.Offsets{event.Partition("p", s.ID.Partitions): 2})
	var alerts []event.Alert
	for start := whole - 8000; start <= whole; start += 2000 {
		alerts = append(alerts, event.Alert{
			ID: flashSale.AlertID(0, "p", start), Rule: flashSale.Definition(0), ProductID: "p", WindowStart: start.Time(), WindowEnd: (start + 10_000).Time(),
			Status: event.Confirmed, Views: 5, Version: int64(n + 1), Exact: true,
		})
	}
	produceAlerts(s, alerts)
	s.Mirror()
	s.WaitStored()
	gaps, err := s.Tables.Gaps(t.Context())
	if err == nil {
		_, err = s.Tables.AcceptGaps(t.Context(), "the test", gaps)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(s); !r.OK() || r.Alerts != uint64(len(alerts)) {
		t.Errorf("%d alerts, want %d: %s", r.Alerts, len(alerts), r)
	}
}
