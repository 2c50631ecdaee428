package processor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/processor/windows"
	"clickstream/processor/windows/windowstest"
)

func newShop(t *testing.T) *brokertest.Shop {
	t.Helper()
	return brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true})
}

type arrival struct {
	event.Event
	received event.Millis
}

func produce(s *brokertest.Shop, arrivals ...arrival) {
	s.Helper()
	records := make([]*kgo.Record, len(arrivals))
	for i, a := range arrivals {
		records[i] = s.Event(a.Event, a.received.Time())
	}
	s.Produce(records...)
}

// logs are the log's partitions as the model reads them.
func logs(s *brokertest.Shop) map[int32][]windowstest.Record {
	s.Helper()
	found := map[int32][]windowstest.Record{}
	var d event.Decoder
	sets, err := s.Broker.RuleSets(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.Read(s.Broker.Topics().Events, func(r *kgo.Record) {
		rec := windowstest.Record{Offset: r.Offset, Kind: windowstest.IsNothing}
		if r.Value != nil {
			rec.Kind, rec.Received = windowstest.IsEvent, event.MillisOf(r.Timestamp)
			if err := d.ReadRecord(broker.EventRecord(r), broker.DefaultPartitions, &rec.Event); err != nil {
				rec.Kind = windowstest.IsInvalid
			}
		} else if t, ok := broker.ParseTick(r); ok {
			rec.Kind, rec.Tick = windowstest.IsTick, t
		} else if c, ok := broker.ParseRules(r); ok {
			rec.Kind = windowstest.IsRules
			if rec.Set, err = sets.Lookup(c.Hash); err != nil {
				s.Fatal(err)
			}
		}
		found[r.Partition] = append(found[r.Partition], rec)
	})
	return found
}

// check compares the alerts of a rule with the model's reading of the log, which
// the rule judges from its beginning on, and returns the alerts as they stand.
func check(s *brokertest.Shop, rule event.Rule) []event.Alert {
	s.Helper()
	return checkSome(s, rule, func(a event.Alert) bool { return a.Rule == rule.String() })
}

// checkAll is check of all alerts, also those of other rules.
func checkAll(s *brokertest.Shop, first event.Rule) []event.Alert {
	s.Helper()
	return checkSome(s, first, func(event.Alert) bool { return true })
}

func checkSome(s *brokertest.Shop, rule event.Rule, some func(event.Alert) bool) []event.Alert {
	s.Helper()
	alerts := map[int32][]event.Alert{}
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		if string(r.Key) != a.ProductID || r.Partition != event.Partition(a.ProductID, broker.DefaultPartitions) {
			s.Fatalf("%v has key %q in partition %d", a, r.Key, r.Partition)
		}
		if some(a) {
			alerts[r.Partition] = append(alerts[r.Partition], a)
		}
	})
	var standing []event.Alert
	for n, log := range logs(s) {
		c := windowstest.NewEmitted(s, windowstest.Model{Rule: rule, Log: log})
		c.Add(alerts[n])
		c.Finish()
		standing = append(standing, c.Latest()...)
	}
	return standing
}

// running is a processor that runs until it is stopped or killed.
type running struct {
	*Processor
	*testwait.Running
	t testing.TB
}

// newBy is a processor that judges the log by the rule from its beginning on.
func newBy(rule event.Rule, cfg Config) (*Processor, error) {
	p, err := New(cfg)
	if err == nil {
		p.settings.first = windowstest.Model{Rule: rule}.First()
	}
	return p, err
}

func start(s *brokertest.Shop, rule event.Rule, set func(*settings)) running {
	s.Helper()
	p, err := newBy(rule, Config{Broker: s.Broker})
	if err != nil {
		s.Fatal(err)
	}
	p.settings.heartbeat = 50 * time.Millisecond
	p.settings.commitEvery = 10 * time.Millisecond
	if set != nil {
		set(&p.settings)
	}
	return running{p, testwait.Run(s, p.Run), s}
}

func killed(s *settings) { s.unclean = true }

func (r running) close() {
	r.t.Helper()
	if err := r.CloseWindows(testwait.Context(r.t)); err != nil {
		r.t.Fatal(err)
	}
}

const noon = event.Millis(1_700_000_000_000 - 1_700_000_000_000%3_600_000)

// productWindow is one window of one product.
type productWindow struct {
	product string
	start   event.Millis
}

var smallRule = event.Rule{ViewsOver: 10, PurchasesUnder: 2, Window: 10 * time.Minute, Slide: time.Minute, Lateness: time.Minute}

// someHours is a shop's traffic in the order in which it arrives: shuffled
// within less than a minute of event time, one event in twenty twice.
func someHours(seed uint64, n int) []arrival {
	rng := rand.New(rand.NewPCG(seed, 1))
	var arrivals []arrival
	for i := range n {
		at := noon + event.Millis(rng.Int64N(2*3_600_000))
		a := arrival{received: at + event.Millis(rng.Int64N(60_000)), Event: event.Event{
			ID: fmt.Sprint("e", i), Type: "view", Timestamp: at, UserID: "u", Quantity: 1,
			ProductID: fmt.Sprint("p", int(60*rng.Float64()*rng.Float64())),
		}}
		if rng.IntN(14) == 0 {
			a.Type = "purchase"
		}
		arrivals = append(arrivals, a)
		if rng.IntN(20) == 0 {
			a.received += event.Millis(rng.Int64N(40 * 60_000))
			arrivals = append(arrivals, a)
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.received - b.received) })
	return arrivals
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// With all windows closed, what is confirmed is what a plain count of the
// distinct events gives.
func TestW2_ShuffledAndRepeatedOverTwelvePartitionsEveryAlertIsFound(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(1, 6000)
	produce(s, arrivals...)
	p := start(s, smallRule, nil)
	p.close()
	standing := check(s, smallRule)

	type tally struct{ views, purchases int }
	plain := map[productWindow]*tally{}
	seen := map[string]bool{}
	for _, a := range arrivals {
		if seen[a.ID] {
			continue
		}
		seen[a.ID] = true
		for start := a.Timestamp - a.Timestamp%60_000; start > a.Timestamp-600_000; start -= 60_000 {
			w := productWindow{a.ProductID, start}
			if plain[w] == nil {
				plain[w] = &tally{}
			}
			if a.Type == "view" {
				plain[w].views++
			} else {
				plain[w].purchases++
			}
		}
	}
	want, confirmed := 0, 0
	for _, c := range plain {
		if smallRule.Qualifies(c.views, c.purchases) {
			want++
		}
	}
	for _, a := range standing {
		switch c := plain[productWindow{a.ProductID, event.MillisOf(a.WindowStart)}]; {
		case a.Status == event.Firing:
			t.Fatalf("%v still fires", a)
		case a.Views != c.views || a.Purchases != c.purchases:
			t.Fatalf("%v, but a plain count gives %+v", a, *c)
		case a.Status == event.Confirmed:
			confirmed++
		}
	}
	if confirmed != want || want < 100 {
		t.Fatalf("%d alerts are confirmed, a plain count gives %d", confirmed, want)
	}
	st := p.Stats()
	// A copy that comes when its windows have closed is late.
	copies := int64(len(arrivals) - len(seen))
	if st.Late+st.Duplicates != copies || st.Late == 0 || st.Duplicates == 0 || st.Events != int64(len(arrivals)) || st.OpenWindows != 0 || st.Products != 0 || st.Alerts == 0 {
		t.Fatalf("%+v", st)
	}

	// Others can see how far the alerts are acknowledged, before anybody stops.
	ends, err := s.Broker.EndOffsets(t.Context(), s.Broker.Topics().Events)
	if err != nil {
		t.Fatal(err)
	}
	if err := WaitAcknowledged(t.Context(), s.Broker, ends); err != nil {
		t.Fatal(err)
	}

	// Whoever comes later finds everything emitted.
	p.Stop()
	before := s.Length(s.Broker.Topics().Alerts)
	q := start(s, smallRule, nil)
	q.close()
	if after := s.Length(s.Broker.Topics().Alerts); after != before || q.Stats().Ticks != 0 {
		t.Fatalf("%d alerts were emitted again", after-before)
	}
}

func TestW6_KilledInTheMiddleTheAlertsAreTheSame(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(2, 4000)
	rng := rand.New(rand.NewPCG(2, 2))
	for len(arrivals) > 0 {
		n := min(len(arrivals), 200+rng.IntN(1200))
		produce(s, arrivals[:n]...)
		arrivals = arrivals[n:]
		p := start(s, smallRule, killed)
		end := s.Length(s.Broker.Topics().Events)
		if rng.IntN(3) > 0 { // some die early
			testwait.Until(t, "everything is read and committed", func() bool {
				var sum int64
				commits, err := s.Broker.CommittedOffsets(t.Context(), s.Broker.Group("processor"), s.Broker.Topics().Events)
				for _, c := range commits {
					q, err := windows.Resume(windowstest.Model{Rule: smallRule}.Lookup, c.Offset, c.Metadata)
					if err != nil {
						t.Fatal(err)
					}
					sum += q.Acknowledged()
				}
				return err == nil && sum == end
			})
		}
		p.Stop()
	}
	start(s, smallRule, nil).close()
	check(s, smallRule)
}

func TestW6_TwoInstancesShareTheLogAndTakeOver(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(3, 4000)
	produce(s, arrivals[:1500]...)
	a := start(s, smallRule, killed)
	testwait.Until(t, "the first has all partitions", func() bool { return a.Stats().Partitions == int(broker.DefaultPartitions) })
	b := start(s, smallRule, nil)
	testwait.Until(t, "both have partitions", func() bool {
		x, y := a.Stats().Partitions, b.Stats().Partitions
		return x > 0 && y > 0 && x+y == int(broker.DefaultPartitions)
	})
	produce(s, arrivals[1500:3000]...)
	testwait.Until(t, "both have read", func() bool { return a.Stats().Alerts > 0 && b.Stats().Alerts > 0 })
	a.Stop()
	produce(s, arrivals[3000:]...)
	b.close()
	check(s, smallRule)
}

// fastClock goes on by a fixed step with every reading.
func fastClock(step time.Duration) func() time.Time {
	var readings atomic.Int64
	start := time.Now()
	return func() time.Time { return start.Add(time.Duration(readings.Add(1)) * step) }
}

func fast(s *settings) {
	s.now = fastClock(600 * time.Millisecond)
	s.askEvery = time.Millisecond
}

func TestW3_QuietClosesWindowsWithTicksOnTheLog(t *testing.T) {
	s := newShop(t)
	rule := event.Rule{ViewsOver: 2, PurchasesUnder: 1, Window: 10 * time.Second, Slide: 5 * time.Second, Lateness: time.Second}
	view := func(id string, at event.Millis) arrival {
		return arrival{event.Event{ID: id, Type: "view", Timestamp: at, UserID: "u", ProductID: "p", Quantity: 1}, at}
	}
	produce(s, view("1", noon), view("2", noon+1), view("3", noon+2))
	p := start(s, rule, fast)
	testwait.Until(t, "both windows close", func() bool { st := p.Stats(); return st.Ticks > 0 && st.OpenWindows == 0 })
	p.Stop()
	standing := check(s, rule)
	if len(standing) != 2 || standing[0].Status != event.Confirmed || standing[1].Status != event.Confirmed {
		t.Fatal(standing)
	}
	n := event.Partition("p", broker.DefaultPartitions)
	log := logs(s)[n]
	if ticks := len(log) - 3; ticks < 1 || ticks > 2 {
		t.Fatalf("%d ticks for two windows: one is written only when it closes a window", ticks)
	}
	// The watermark only rises: what comes now for those windows is late.
	produce(s, view("4", noon+3))
	q := start(s, rule, fast)
	testwait.Until(t, "the event is read", func() bool { return q.Stats().Late == 1 })
	q.Stop()
	check(s, rule)
}

// An instance that was paused writes its tick late; the event that came in
// between makes it invalid.
func TestW3_TheTickOfAPausedInstanceDoesNoHarm(t *testing.T) {
	s := newShop(t)
	view := func(id string, at event.Millis) arrival {
		return arrival{event.Event{ID: id, Type: "view", Timestamp: at, UserID: "u", ProductID: "p", Quantity: 1}, at}
	}
	n := event.Partition("p", broker.DefaultPartitions)
	tick := func(after int64, quiet time.Duration) *kgo.Record {
		return broker.TickRecord(s.Broker.Topics().Events, n, event.Tick{After: after, Quiet: event.Millis(quiet.Milliseconds())})
	}
	produce(s, view("1", noon), view("2", noon+1))
	s.Produce(tick(0, time.Hour), tick(1, time.Minute), &kgo.Record{Topic: s.Broker.Topics().Events, Partition: n, Key: []byte("p")},
		&kgo.Record{Topic: s.Broker.Topics().Events, Partition: n, Value: []byte("{")})
	s.Produce(tick(1, time.Hour))
	produce(s, view("3", noon+60_000))
	p := start(s, smallRule, nil)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events == 3 })
	st := p.Stats()
	if st.Ticks != 1 || st.InvalidTicks != 2 || st.Invalid != 1 || st.Late != 0 || st.Watermark != noon+1 || st.NewestEvent != noon+60_000 {
		t.Fatalf("%+v", st)
	}
}

func TestCloseWindowsFailsWhenRunEnds(t *testing.T) {
	s := newShop(t)
	p := start(s, smallRule, nil)
	p.Stop()
	if err := p.CloseWindows(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if _, err := New(Config{}); err == nil {
		t.Fatal("an empty config is no config")
	}
}

// A clean stop tells and commits what is due, so that the next one repeats
// nothing.
func TestStoppingCommits(t *testing.T) {
	s := newShop(t)
	// A partition without a commit is not committed before its alerts are read.
	first := start(s, smallRule, nil)
	testwait.Until(t, "every partition is committed", func() bool {
		done, err := Acknowledged(t.Context(), s.Broker)
		return err == nil && len(done) == int(broker.DefaultPartitions)
	})
	first.Stop()
	produce(s, someHours(4, 1000)...)
	p := start(s, smallRule, func(set *settings) { set.commitEvery = time.Hour })
	end := s.Length(s.Broker.Topics().Events)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events == end })
	p.Stop()
	done, err := Acknowledged(t.Context(), s.Broker)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range done {
		end -= offset
	}
	if end != 0 {
		t.Fatalf("%d records are not emitted and committed", end)
	}
	check(s, smallRule)
}

func TestW8_AChangeToTheRulesInForceChangesNothing(t *testing.T) {
	s := newShop(t)
	views := func(from, to int) {
		var arrivals []arrival
		for i := range to - from {
			at := noon + event.Millis(from+i)*1000
			arrivals = append(arrivals, arrival{received: at, Event: event.Event{
				ID: fmt.Sprint("e", from+i), Type: "view", Timestamp: at, UserID: "u", ProductID: "p", Quantity: 1,
			}})
		}
		produce(s, arrivals...)
	}
	views(0, 80)
	if err := s.Broker.PutRulesInForce(t.Context(), rules.Default(), noon.Time()); err != nil {
		t.Fatal(err)
	}
	views(80, 120)
	p := start(s, event.DefaultRule(), nil)
	p.close()
	if standing := checkAll(s, event.DefaultRule()); len(standing) != 9 {
		t.Fatalf("%d alerts, want those of the 9 windows with more than 100 of the views: %v", len(standing), standing)
	}
	if st := p.Stats(); st.Invalid != 0 {
		t.Fatalf("%d invalid records", st.Invalid)
	}
}
