package backtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// midnight is where the time begins that is asked for.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// views are so many views of product p, at one time.
func views(s *brokertest.Shop, n int, at, received time.Time) (records []*kgo.Record) {
	for i := range n {
		records = append(records, s.Event(event.Event{
			ID: fmt.Sprint(at.Unix(), " ", i), Type: event.TypeView, Timestamp: event.MillisOf(at), UserID: "u", ProductID: "p", Quantity: 1,
		}, received))
	}
	return records
}

// What counts on the first day of a backtest from midnight on is the same as in one of
// the whole log.
func sameFromMidnight(s *brokertest.Shop, sets []*rules.Set, alerts int, records ...*kgo.Record) {
	t := s.TB.(*testing.T)
	t.Helper()
	s.Produce(records...)
	to := midnight.AddDate(0, 0, 1)
	for _, r := range []Result{run(t, s.Broker, sets, &midnight, &to), run(t, s.Broker, sets, nil, nil)} {
		got := 0
		for _, d := range r.Days {
			if d.Day == midnight.Format(time.DateOnly) {
				got = d.Rules[0].Alerts
			}
		}
		if got != alerts {
			t.Errorf("there are %d alerts, want %d: %+v", got, alerts, r)
		}
	}
}

func TestEventsThatWereReceivedBeforeTheFirstWindowBeganCountInIt(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	day := 24 * time.Hour
	records := views(s, 1, midnight.Add(-day), midnight.Add(-day))
	// By clocks that were nearly five minutes ahead.
	records = append(records, views(s, 6, midnight.Add(time.Second), midnight.Add(-299*time.Second))...)
	short := smallRule
	short.Window = time.Minute
	sameFromMidnight(s, flashSale(t, short), 1, records...)
}

// A tick means nothing without the event before it.
func TestATickThatClosedTheFirstWindowsIsUnderstood(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	set, err := rules.New(time.Minute, []rules.Rule{
		{Name: "short", When: "views > 5", Window: 10 * time.Minute, Slide: time.Minute},
		{Name: "long", When: "views > 1000", Window: 2 * time.Hour, Slide: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	records := views(s, 1, midnight.Add(-90*time.Minute), midnight.Add(-90*time.Minute))
	// At 00:29 it closes the long window that began at 22:00 and the short ones up
	// to there.
	tick := broker.TickRecord(s.ID.Topic, 0, event.Tick{After: 0, Quiet: 120 * 60_000})
	tick.Timestamp = midnight.Add(31 * time.Minute)
	records = append(records, tick)
	records = append(records, views(s, 6, midnight.Add(15*time.Minute), midnight.Add(32*time.Minute))...)
	sameFromMidnight(s, []*rules.Set{set}, 0, records...)
}
