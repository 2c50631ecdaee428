package replay_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse/replay"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

func TestEventsAreReadInTheOrderOfTheLog(t *testing.T) {
	s := warehousetest.NewShop(t, brokertest.Options{Partitions: 2, OwnReceiveTimes: true})
	m := s.Mirror()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	want := make(map[int32][]string)
	earliest, latest := event.Millis(1<<50), event.Millis(0)
	for i := range 3000 {
		received := noon.Add(time.Duration(i) * time.Minute)
		// Up to two hours late: the table's order is another one.
		e := event.Event{
			ID: fmt.Sprint("e", i), Type: event.TypeView, Timestamp: event.MillisOf(received.Add(-time.Duration(i*37%120) * time.Minute)),
			UserID: "u", SessionID: fmt.Sprint("s", i%5), Quantity: 1,
		}
		if e.ProductID = fmt.Sprint("p", i%11); i%7 == 0 {
			e.Type, e.ProductID = event.TypeSearch, ""
		}
		earliest, latest = min(earliest, e.Timestamp), max(latest, e.Timestamp)
		r := s.Event(e, received)
		records = append(records, r)
		want[r.Partition] = append(want[r.Partition], fmt.Sprint(e.ID, e.Type, e.Timestamp, e.Key(), e.ProductID, event.MillisOf(received)))
	}
	s.Produce(records...)
	s.WaitStored()
	m.Stop()
	read := func(first, last event.Millis, most int) map[int32][]string {
		t.Helper()
		r, err := replay.Open(t.Context(), s.Tables, first, last)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[int32][]string)
		for _, p := range r.Partitions {
			before := int64(-1)
			err := r.Read(t.Context(), p, func(e *event.Event, received event.Millis, offset int64) bool {
				if offset <= before {
					t.Errorf("offset %d comes after %d", offset, before)
				}
				before = offset
				got[p.Number] = append(got[p.Number], fmt.Sprint(e.ID, e.Type, e.Timestamp, e.Key(), e.ProductID, received))
				return len(got[p.Number]) < most
			})
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(got[p.Number])) > p.Rows {
				t.Errorf("%d rows of partition %d, expected at most %d", len(got[p.Number]), p.Number, p.Rows)
			}
		}
		return got
	}
	all := read(0, 1<<50, 1<<30)
	few := read(0, 1<<50, 3)
	for n, lines := range want {
		if !slices.Equal(all[n], lines) {
			t.Errorf("partition %d: %d events, of %d", n, len(all[n]), len(lines))
		}
		if !slices.Equal(few[n], lines[:3]) {
			t.Errorf("partition %d: of three events %q", n, few[n])
		}
	}
	first, last := event.MillisOf(noon.Add(20*time.Hour)), event.MillisOf(noon.Add(30*time.Hour))
	for n, lines := range read(first, last, 1<<30) {
		var some []string
		for _, r := range records {
			var d event.Decoder
			var e event.Event
			if err := d.Decode(r.Value, &e); err != nil {
				t.Fatal(err)
			}
			if r.Partition != n || e.Timestamp < first {
				continue
			}
			some = append(some, fmt.Sprint(e.ID, e.Type, e.Timestamp, e.Key(), e.ProductID, event.MillisOf(r.Timestamp)))
			if min(e.Timestamp, event.MillisOf(r.Timestamp)) >= last {
				break
			}
		}
		if len(some) == 0 || !slices.Equal(lines, some) {
			t.Errorf("partition %d from %s to %s: %d events, want %d", n, first, last, len(lines), len(some))
		}
	}
	rows, begin, end, err := replay.Extent(t.Context(), s.Tables)
	if err != nil || rows != 3000 || begin != earliest || end != latest {
		t.Errorf("%d rows from %s to %s, %v", rows, begin, end, err)
	}
}
