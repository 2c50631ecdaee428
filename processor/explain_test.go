package processor

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

func TestExplainSaysInWhichWindowsAnEventCounted(t *testing.T) {
	s := newShop(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	partition := event.Partition("p", s.ID.Partitions)
	var records []*kgo.Record
	add := func(eventID, kind string, at, received time.Time) {
		e := event.Event{ID: eventID, Type: kind, Timestamp: event.MillisOf(at), UserID: "u", ProductID: "p", Quantity: 1}
		records = append(records, s.Event(e, received))
	}
	now := noon.Add(time.Hour)
	add("a", event.TypeView, noon, now)
	add("a", event.TypeView, noon, now)                      // a later copy
	add("b", event.TypeAddToCart, noon, now)                 // not counted by the rule
	add("c", event.TypeView, noon.Add(5*time.Minute), now)   // the watermark is at 12:04 after it
	add("d", event.TypeView, noon.Add(-2*time.Minute), now)  // windows to 12:04 have closed
	add("e", event.TypeView, noon.Add(-20*time.Minute), now) // late
	add("f", event.TypeView, now.Add(6*time.Minute), now)    // future
	records = append(records, &kgo.Record{Topic: s.ID.Topic, Partition: partition, Key: []byte("p"), Value: []byte("x"), Timestamp: now})
	s.Produce(records...)
	for offset, want := range []struct {
		windows int
		first   string
		why     string
	}{
		{10, "11:51", ""}, {0, "", "later copy"}, {0, "", "no rule in force counts"}, {10, "11:56", ""},
		{4, "11:55", "the 6 before had closed"}, {0, "", "late"}, {0, "", "future"}, {0, "", "no valid event"},
	} {
		x, err := Explain(t.Context(), s.Broker, partition, int64(offset))
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Starts) != want.windows || want.windows > 0 && x.Starts[0].Format("15:04") != want.first || !strings.Contains(x.Why, want.why) {
			t.Errorf("offset %d: %s; want %+v", offset, x, want)
		}
	}
}
