package backtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/processor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var smallRule = event.Rule{ViewsOver: 5, PurchasesUnder: 2, Window: 10 * time.Minute, Slide: time.Minute, Lateness: time.Minute}

// evening is the beginning of the traffic.
var evening = event.MillisOf(time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC))

// traffic is a shop's, on several days: events out of order, late, ahead of their
// receive time and more than once, and quiet hours that ticks end. It comes in the
// order in which it was received.
func traffic(s *brokertest.Shop, seed uint64, n int) []*kgo.Record {
	rng := rand.New(rand.NewPCG(seed, 0))
	now := evening
	var events []event.Event
	type partition struct{ next, lastValue, newest int64 }
	parts := make([]partition, s.ID.Partitions)
	for i := range parts {
		parts[i].lastValue = -1
	}
	var records []*kgo.Record
	for len(records) < n {
		switch rng.IntN(250) {
		case 0: // hours in which ticks close everything
			now += event.Millis(rng.Int64N(10 * 3_600_000))
			for i := range parts {
				p := &parts[i]
				if p.lastValue < 0 {
					continue
				}
				r := broker.TickRecord(s.ID.Topic, int32(i), event.Tick{After: p.lastValue, Quiet: now - event.Millis(p.newest)})
				r.Timestamp = now.Time()
				records = append(records, r)
				p.next++
			}
			continue
		case 1:
			now += event.Millis(rng.Int64N(2 * 3_600_000))
		}
		now += event.Millis(rng.Int64N(15_000))
		e := event.Event{
			ID: fmt.Sprint("e", len(records)), Type: event.TypeView, SessionID: "s", ProductID: fmt.Sprint("p", rng.IntN(6)), Quantity: 1,
			Timestamp: now - event.Millis(rng.Int64N(120_000)),
		}
		switch rng.IntN(20) {
		case 0:
			e.Type = event.TypePurchase
		case 1:
			e.Timestamp -= event.Millis(rng.Int64N(1_500_000))
		case 2:
			e.Timestamp += event.Millis(rng.Int64N(600_000))
		case 3, 4:
			if len(events) > 0 {
				e = events[max(0, len(events)-1-rng.IntN(60))]
			}
		}
		events = append(events, e)
		r := s.Event(e, now.Time())
		p := &parts[r.Partition]
		p.newest, p.lastValue = max(p.newest, int64(min(e.Timestamp, now))), p.next
		p.next++
		records = append(records, r)
	}
	return records
}

// run is a backtest of the log.
func run(t *testing.T, cl *broker.Client, sets []*rules.Set, from, to *time.Time) Result {
	t.Helper()
	span := SpanOf(from, to, sets)
	source, _, err := Log(t.Context(), cl, span)
	if err != nil {
		t.Fatal(err)
	}
	key, err := cl.HashKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), Config{Sets: sets, Span: span, Zone: time.UTC, Source: source, HashKey: key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func flashSale(t *testing.T, r event.Rule) []*rules.Set {
	t.Helper()
	set, err := rules.FlashSale(r)
	if err != nil {
		t.Fatal(err)
	}
	return []*rules.Set{set}
}

// emitted are the alerts on their topic as they stand.
func emitted(s *brokertest.Shop) []event.Alert {
	s.Helper()
	standing := make(map[string]event.Alert)
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		if a.Version >= standing[a.ID].Version {
			standing[a.ID] = a
		}
	})
	return slices.Collect(maps.Values(standing))
}

// written is all that a broker keeps of what its clients write.
func written(s *brokertest.Shop) string {
	s.Helper()
	admin := kadm.NewClient(s.Broker.Client)
	ends, err := admin.ListEndOffsets(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	groups, err := admin.ListGroups(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	text := groups.Groups()
	ends.Each(func(o kadm.ListedOffset) {
		text = append(text, fmt.Sprintf("%s-%d:%d", o.Topic, o.Partition, o.Offset))
	})
	for _, g := range groups.Groups() {
		commits, err := admin.FetchOffsets(s.Context(), g)
		if err != nil {
			s.Fatal(err)
		}
		for _, o := range commits.Sorted() {
			text = append(text, fmt.Sprintf("%s: %s-%d:%d", g, o.Topic, o.Partition, o.At))
		}
	}
	slices.Sort(text)
	return strings.Join(text, " ")
}

// plain counts alerts as a Result does, in plain code.
func plain(alerts []event.Alert) map[string]Count {
	days := make(map[string]Count)
	products := make(map[string]map[string]*Product)
	slices.SortFunc(alerts, func(a, b event.Alert) int { return a.WindowStart.Compare(b.WindowStart) })
	known := make(map[string]bool)
	for _, a := range alerts {
		day := a.WindowStart.UTC().Format(time.DateOnly)
		c := days[day]
		c.Rule, c.Exact = "flash_sale", true
		c.Alerts++
		if a.Status == event.Retracted {
			c.Retracted++
		}
		if products[day] == nil {
			products[day] = make(map[string]*Product)
		}
		p := products[day][a.ProductID]
		if p == nil {
			p = &Product{ProductID: a.ProductID, Views: -1}
			products[day][a.ProductID] = p
		}
		p.Alerts++
		if a.Views > p.Views {
			p.Views, p.Purchases = a.Views, a.Purchases
		}
		if !known[a.EpisodeID] {
			known[a.EpisodeID] = true
			c.Episodes++
			c.Notices += 2
			p.Episodes++
		}
		days[day] = c
	}
	for day, c := range days {
		for _, p := range products[day] {
			c.Busiest = append(c.Busiest, *p)
		}
		slices.SortFunc(c.Busiest, func(a, b Product) int {
			if a.Views != b.Views {
				return b.Views - a.Views
			}
			if a.Alerts != b.Alerts {
				return b.Alerts - a.Alerts
			}
			return int(a.ProductID[1]) - int(b.ProductID[1])
		})
		c.Busiest = c.Busiest[:min(5, len(c.Busiest))]
		days[day] = c
	}
	return days
}

// counted are the days of a Result that have alerts.
func counted(r Result) map[string]Count {
	days := make(map[string]Count)
	for _, d := range r.Days {
		if d.Rules[0].Alerts > 0 {
			days[d.Day] = d.Rules[0]
		}
	}
	return days
}

func TestW4_W9_ABacktestFindsTheAlertsThatTheProcessorEmitsAndWritesNothing(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 3})
	if err := s.Broker.PutRulesInForce(t.Context(), flashSale(t, smallRule)[0], evening.Time()); err != nil {
		t.Fatal(err)
	}
	s.Produce(traffic(s, 1, 6000)...)
	// A change of rules does not matter.
	if err := s.Broker.PutRulesInForce(t.Context(), rules.Default(), evening.Time()); err != nil {
		t.Fatal(err)
	}
	p, err := processor.New(processor.Config{Broker: s.Broker})
	if err != nil {
		t.Fatal(err)
	}
	running := testwait.Run(t, p.Run)
	if err := p.CloseWindows(testwait.Context(t)); err != nil {
		t.Fatal(err)
	}
	running.Stop()
	alerts := emitted(s)
	if len(alerts) < 200 {
		t.Fatalf("%d alerts are too few", len(alerts))
	}
	before := written(s)
	r := run(t, s.Broker, flashSale(t, smallRule), nil, nil)
	if got, want := counted(r), plain(alerts); !reflect.DeepEqual(got, want) {
		t.Errorf("the backtest finds\n%+v\nthe processor emitted\n%+v", got, want)
	}
	if r.Source != "log" || r.Cut || !r.Exact || r.Events == 0 || len(r.Rules) != 1 || r.Rules[0].Alerts != len(alerts) {
		t.Errorf("%+v", r)
	}
	if after := written(s); after != before {
		t.Errorf("before the backtest there was\n%s\nafter it\n%s", before, after)
	}
}

// A backtest of some days finds on each what one of all days does.
func TestWindowsAreWholeAtTheEdgesOfTheTime(t *testing.T) {
	for seed := range uint64(2) {
		s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 2})
		s.Produce(traffic(s, seed, 5000)...)
		sets := flashSale(t, smallRule)
		// A rule with longer windows, which close later.
		long, err := rules.New(30*time.Second, []rules.Rule{{Name: "hours", When: "views > 20", Window: 2 * time.Hour, Slide: 15 * time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, long)
		whole := run(t, s.Broker, sets, nil, nil)
		if len(whole.Days) < 3 || whole.Rules[0].Alerts < 100 || whole.Rules[1].Alerts < 100 {
			t.Fatalf("seed %d: too little to compare: %+v", seed, whole.Rules)
		}
		for i := range whole.Days {
			for _, n := range []int{1, len(whole.Days) - i} {
				from, err := time.Parse(time.DateOnly, whole.Days[i].Day)
				if err != nil {
					t.Fatal(err)
				}
				to := from.AddDate(0, 0, n)
				part := run(t, s.Broker, sets, &from, &to)
				for _, d := range part.Days {
					j := slices.IndexFunc(whole.Days, func(w Day) bool { return w.Day == d.Day })
					for rule, got := range d.Rules {
						want := whole.Days[j].Rules[rule]
						if !reflect.DeepEqual(got, want) {
							t.Errorf("seed %d, from %s to %s, day %s: %+v, want %+v", seed, from, to, d.Day, got, want)
						}
					}
				}
				if part.First != nil && part.First.Before(from) || part.Last != nil && !part.Last.Before(to) {
					t.Errorf("from %s to %s: events from %s to %s", from, to, part.First, part.Last)
				}
			}
		}
	}
}

func TestASweepFindsWhatSeparateBacktestsFind(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 3})
	s.Produce(traffic(s, 7, 6000)...)
	sweep, err := ParseSweep("views=2..41/1") // more than one set can have
	if err != nil {
		t.Fatal(err)
	}
	sets, err := sweep.Sets(flashSale(t, smallRule)[0])
	if err != nil || len(sets) != 2 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	swept := run(t, s.Broker, sets, nil, nil)
	for i, value := range sweep.Values {
		rule := smallRule
		rule.ViewsOver = int(value)
		alone := run(t, s.Broker, flashSale(t, rule), nil, nil)
		for j, d := range swept.Days {
			got, want := d.Rules[i], alone.Days[j].Rules[0]
			if got.Rule = want.Rule; !reflect.DeepEqual(got, want) {
				t.Errorf("views > %v on %s: %+v, alone %+v", value, d.Day, got, want)
			}
		}
	}
	if first, last := swept.Rules[0].Alerts, swept.Rules[len(swept.Rules)-1].Alerts; first < 100 || last >= first {
		t.Errorf("%d alerts with the lowest and %d with the highest number", first, last)
	}
}

// Where retention has deleted records, windows that may have lost events are left
// out, and the caller learns that another source may have more.
func TestW6_ALogThatIsCutInTheTimeAskedForIsNotWhole(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	records := traffic(s, 3, 4000)
	s.Produce(records...)
	sets := flashSale(t, smallRule)
	all := run(t, s.Broker, sets, nil, nil)
	const cut = 2000
	brokertest.Cut(t, s.Broker, s.ID.Topic, broker.Offsets{0: cut})
	judged := records[cut].Timestamp
	day := func(at time.Time, days int) *time.Time { return new(at.Truncate(24*time.Hour).AddDate(0, 0, days)) }
	for _, c := range []struct {
		from  *time.Time
		whole bool
	}{{nil, false}, {day(judged, 0), false}, {day(judged, 1), true}} {
		span := SpanOf(c.from, nil, sets)
		source, whole, err := Log(t.Context(), s.Broker, span)
		if err != nil || whole != c.whole || source.Cut == whole {
			t.Errorf("from %v: whole %v, cut %v, %v", c.from, whole, source.Cut, err)
		}
		r := run(t, s.Broker, sets, c.from, nil)
		if r.Cut == c.whole || r.Rules[0].Alerts == 0 || r.Rules[0].Alerts >= all.Rules[0].Alerts {
			t.Errorf("from %v: %+v, before the cut %+v", c.from, r, all)
		}
		// Of the days after the cut nothing is lost.
		for _, d := range r.Days[1:] {
			i := slices.IndexFunc(all.Days, func(a Day) bool { return a.Day == d.Day })
			if d.Day > judged.Format(time.DateOnly) && d.Rules[0].Alerts != all.Days[i].Rules[0].Alerts {
				t.Errorf("from %v, %s: %+v, before the cut %+v", c.from, d.Day, d, all.Days[i])
			}
		}
	}
}

func TestABacktestEndsWithItsContext(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 2})
	s.Produce(traffic(s, 1, 2000)...)
	sets := flashSale(t, smallRule)
	span := SpanOf(nil, nil, sets)
	source, _, err := Log(t.Context(), s.Broker, span)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	read := source.Read
	source.Read = func(ctx context.Context, portion Portion, p *Partition) error {
		cancel()
		return read(ctx, portion, p)
	}
	if _, err = Run(ctx, Config{Sets: sets, Span: span, Zone: time.UTC, Source: source}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}
