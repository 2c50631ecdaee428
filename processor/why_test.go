package processor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows"
	"clickstream/processor/windows/windowstest"
)

// versionsIn are all versions of the alerts that a reading of one partition from
// its first record gives.
func versionsIn(t *testing.T, s *brokertest.Shop, rule event.Rule, records []*kgo.Record) (alerts []event.Alert) {
	t.Helper()
	p, in := windows.New(windowstest.Model{Rule: rule}.First(), 0, false), reading{partitions: s.ID.Partitions}
	for offset, r := range records {
		r.Offset = int64(offset)
		if err := in.take(p, r); err != nil {
			t.Fatal(err)
		}
		alerts = append(alerts, p.Changed(nil)...)
		p.Acknowledge(p.Offset())
	}
	return alerts
}

// Over days with quiet hours that ticks end, each version of each alert was
// counted from as many events as it says, wherever the reading begins.
func TestExplainAlertCountsWhatTheAlertWasCountedFrom(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
		now := event.MillisOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		var records []*kgo.Record
		var events []event.Event
		newest, lastValue := now, int64(-1)
		for len(records) < 1500 {
			switch rng.IntN(200) {
			case 0: // an hour, or a day, in which a tick closes everything
				quiet := event.Millis((time.Hour + time.Duration(rng.IntN(2))*25*time.Hour) / time.Millisecond)
				r := broker.TickRecord(s.ID.Topic, 0, event.Tick{After: lastValue, Quiet: now + quiet - newest})
				now += quiet
				r.Timestamp = now.Time()
				records = append(records, r)
				continue
			case 1: // a while in which one does not
				now += event.Millis(rng.Int64N(5_400_000))
			}
			now += event.Millis(rng.Int64N(20_000))
			e := event.Event{
				ID: fmt.Sprint("e", len(records)), Type: event.TypeView, SessionID: "s", ProductID: fmt.Sprint("p", rng.IntN(3)), Quantity: 1,
				Timestamp: now - event.Millis(rng.Int64N(120_000)),
			}
			switch rng.IntN(20) {
			case 0:
				e.Type = event.TypePurchase
			case 1:
				e.Timestamp -= event.Millis(rng.Int64N(900_000))
			case 2:
				e.Timestamp += event.Millis(rng.Int64N(600_000))
			case 3, 4:
				if len(events) > 0 {
					e = events[max(0, len(events)-1-rng.IntN(40))]
				}
			}
			events = append(events, e)
			newest, lastValue = max(newest, min(e.Timestamp, now)), int64(len(records))
			records = append(records, s.Event(e, now.Time()))
		}
		s.Produce(records...)
		rule := event.DefaultRule()
		rule.ViewsOver, rule.PurchasesUnder = 5, 2
		alerts := versionsIn(t, s, rule, records)
		if len(alerts) < 50 {
			t.Fatalf("seed %d: %d alerts: too few to compare", seed, len(alerts))
		}
		for i := 0; i < len(alerts); i += 1 + rng.IntN(len(alerts)/25) {
			a := alerts[i]
			x, err := ExplainAlert(t.Context(), s.Broker, a, 3)
			if err != nil {
				t.Fatal(err)
			}
			if x.Views != a.Views || x.Purchases != a.Purchases || x.CountedTotal != a.Views+a.Purchases || x.Cut || len(x.Counted) != min(3, x.CountedTotal) {
				t.Errorf("seed %d: %s version %d: counted anew %+v", seed, a, a.Version, x)
			}
		}
	}
}

func TestExplainAlertSaysWhyEventsDidNotCount(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	add := func(id, kind, product string, at, received time.Duration) {
		e := event.Event{ID: id, Type: kind, Timestamp: event.MillisOf(noon.Add(at)), UserID: "u-" + id, ProductID: product, Quantity: 1}
		records = append(records, s.Event(e, noon.Add(received)))
	}
	const m = time.Minute
	add("skew", event.TypeView, "p", 1*m, -5*m)
	add("a", event.TypeView, "p", 0, 0)
	add("b", event.TypeView, "p", 1*m, 1*m)
	add("b", event.TypeView, "p", 1*m, 1*m)
	add("cart", event.TypeAddToCart, "p", 1*m, 1*m)
	add("other", event.TypeView, "q", 1*m, 1*m)
	add("bought", event.TypePurchase, "p", 2*m, 2*m)
	add("before", event.TypeView, "p", -1, 2*m)
	add("on its end", event.TypeView, "p", 10*m, 10*m)
	add("close", event.TypeView, "q", 11*m, 11*m)
	add("tardy", event.TypeView, "p", 5*m, 12*m)
	s.Produce(records...)
	rule := event.DefaultRule()
	rule.ViewsOver = 1
	alert := event.Alert{ID: rule.AlertID("p", event.MillisOf(noon)), Rule: rule.String(), ProductID: "p", WindowStart: noon, WindowEnd: noon.Add(10 * m)}
	show := func(version int64) string {
		alert.Version = version
		x, err := ExplainAlert(t.Context(), s.Broker, alert, 0)
		if err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, r := range x.Counted {
			text = append(text, r.EventID)
		}
		for _, r := range x.NotCounted {
			why, _, _ := strings.Cut(r.Why, ":")
			text = append(text, r.EventID+" "+why)
		}
		return strings.Join(text, ", ")
	}
	if got, want := show(10), "a, b, bought, skew future, b duplicate, tardy late"; got != want {
		t.Errorf("once it has closed: %s; want %s", got, want)
	}
	if got, want := show(3), "a, b, skew future, b duplicate, bought after this version of the alert, tardy late"; got != want {
		t.Errorf("while it fires: %s; want %s", got, want)
	}
	brokertest.Cut(t, s.Broker, s.ID.Topic, broker.Offsets{0: 2})
	if x, err := ExplainAlert(t.Context(), s.Broker, alert, 0); err != nil || !x.Cut || x.Views != 1 {
		t.Errorf("after retention has deleted two records: %+v, %v", x, err)
	}
}

func TestW8_AnAlertOfAnyRuleIsExplained(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	at := event.MillisOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	add := func(id, kind string, seconds int64) {
		e := event.Event{ID: id, Type: kind, Timestamp: at + event.Millis(seconds*1000), UserID: "u", ProductID: "p", Quantity: 1}
		s.Produce(s.Event(e, e.Timestamp.Time()))
	}
	add("before", event.TypeAddToCart, -3600)
	set := newSet(t, rules.Rule{Name: "carts", When: "carts > 1", Window: 5 * time.Minute, Slide: 5 * time.Minute})
	apply(s, set)
	add("a", event.TypeAddToCart, 1)
	add("seen", event.TypeView, 2)
	add("b", event.TypeAddToCart, 3)
	add("b", event.TypeAddToCart, 3)
	apply(s, rules.Default()) // its windows start later
	add("c", event.TypeAddToCart, 4)
	alert := event.Alert{
		ID: set.AlertID(0, "p", at), Rule: set.Definition(0), ProductID: "p", WindowStart: at.Time(), WindowEnd: at.Time().Add(5 * time.Minute), Version: 100,
	}
	x, err := ExplainAlert(t.Context(), s.Broker, alert, 0)
	if err != nil {
		t.Fatal(err)
	}
	var counted []string
	for _, r := range x.Counted {
		counted = append(counted, r.EventID)
	}
	if got := strings.Join(counted, ","); got != "a,b,c" || x.Views != 1 || x.NotCountedTotal != 1 || !slices.Equal(x.Types, []string{event.TypeAddToCart}) {
		t.Errorf("counted %s; %+v", got, x)
	}
	for offset, want := range map[int64]string{0: "no rule in force counts", 2: "counted by carts in its windows of 5m from 12:00:00 UTC", 3: "no rule in force counts", 5: "later copy", 7: "counted by carts in its windows of 5m from 12:00:00 UTC"} {
		if x, err := Explain(t.Context(), s.Broker, 0, offset); err != nil || !strings.Contains(x.String(), want) {
			t.Errorf("offset %d: %s, %v; want %s", offset, x, err, want)
		}
	}
	alert.Rule = "gone(views>1,window=5m0s,slide=5m0s,lateness=1m0s)"
	if _, err := ExplainAlert(t.Context(), s.Broker, alert, 0); err == nil || !strings.Contains(err.Error(), alert.Rule) {
		t.Errorf("an alert of a set that is gone: %v", err)
	}
}
