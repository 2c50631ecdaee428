package windows

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func view(id, product string, at event.Millis) *event.Event {
	return &event.Event{ID: id, Type: event.TypeView, Timestamp: at, UserID: "u", ProductID: product}
}

// A file that spans years, with one event here and there.
func TestW3_TimeWithoutEventsCostsNothing(t *testing.T) {
	rule := event.DefaultRule()
	rule.Slide, rule.Window = time.Second, 10*time.Second
	p := New(flashSale(rule), 0, false)
	at := noon
	for i := range int64(50_000) {
		p.Event(view("1", "p", at), at, i)
		at += 40 * 24 * 3_600_000 / 50 // 19 hours, 69,120 slides
	}
	if len(p.generations[0].panes.ring) > 64 || len(p.generations[0].products) != 1 || p.generations[0].cells.n > 64 {
		t.Fatalf("%d windows and %d products are kept", len(p.generations[0].panes.ring), len(p.generations[0].products))
	}
}

// A search or a page may name no product, and an alert without one is no alert.
func TestW2_EventsWithoutAProductCountForNone(t *testing.T) {
	set, err := rules.New(time.Minute, []rules.Rule{{Name: "searched", When: "searches > 0", Window: time.Minute, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	p := New(set, 0, false)
	p.Event(&event.Event{ID: "none", Type: event.TypeSearch, Timestamp: noon, UserID: "u"}, noon, 0)
	p.Event(&event.Event{ID: "p", Type: event.TypeSearch, Timestamp: noon, UserID: "u", ProductID: "p"}, noon, 1)
	if alerts := p.Changed(nil); len(alerts) != 1 || alerts[0].ProductID != "p" {
		t.Errorf("got %v, want one alert, of p", alerts)
	}
}

// Products come and go; what is kept is what is in open windows.
func TestProductsWithoutOpenWindowsAreForgotten(t *testing.T) {
	p := New(rules.Default(), 0, false)
	at := noon
	for i := range int64(200_000) {
		p.Event(view("1", fmt.Sprint("p", i), at), at, i)
		at += 1000
	}
	// 11 minutes of open windows, one product a second.
	if p.Products() > 720 || len(p.generations[0].products) > 720 {
		t.Fatalf("%d of %d products are kept", p.Products(), len(p.generations[0].products))
	}
}

func TestBeyondTheIdsThatAreRememberedAnAlertIsNotExact(t *testing.T) {
	rule := workedRule
	p := New(flashSale(rule), 0, false)
	p.maxIDs = 2
	for i := range int64(4) {
		p.Event(view(fmt.Sprint(i), "p", noon+1), noon+1, i)
	}
	p.Event(view("9", "p", noon+30_000), noon+30_000, 4)
	alerts := p.Changed(nil)
	if len(alerts) != 2 || alerts[0].Exact || alerts[0].Views != 4 {
		t.Fatal(alerts)
	}
	for i := range int64(3) {
		p.Event(view(fmt.Sprint(i%2), "p", noon+30_000), noon+30_000, 5+i)
	}
	if p.counts.Duplicates != 1 {
		t.Fatalf("%d duplicates", p.counts.Duplicates)
	}
}

func TestW6_WhereRetentionHasCutTheLogTheFirstWindowsAreNotJudged(t *testing.T) {
	p := New(flashSale(workedRule), 7, true)
	for i := range int64(700) {
		at := noon + event.Millis(i*500) // 0 to 349.5 s
		p.Event(view(fmt.Sprint(i), "p", at), at, 7+i)
	}
	alerts := p.Changed(nil)
	for _, a := range alerts {
		if a.WindowStart.Before((noon + 300_000).Time()) {
			t.Fatalf("%v may hold an event that was received before the first", a)
		}
	}
	if p.judged != noon+300_000 || p.generations[0].rules[0].judged != windowAt(300) || len(alerts) == 0 {
		t.Fatalf("judged from window %d, not %d; %d alerts", p.generations[0].rules[0].judged, windowAt(300), len(alerts))
	}
}

// The first event that is left came hours late. It says nothing of the time of
// those before it, among which was the purchase that keeps the window from
// qualifying.
func TestW6_AStragglerAfterTheCutDoesNotBringLostWindowsBack(t *testing.T) {
	rest := func(p *Partition) []event.Alert {
		p.Event(view("late", "p", noon-3_600_000), noon+2000, 1)
		for i := range int64(3) {
			p.Event(view(fmt.Sprint(i), "p", noon+3000), noon+3000, 2+i)
		}
		p.Event(view("last", "q", noon+60_000), noon+60_000, 5)
		return p.Changed(nil)
	}
	whole := New(flashSale(workedRule), 0, false)
	whole.Event(&event.Event{ID: "bought", Type: event.TypePurchase, Timestamp: noon + 1000, UserID: "u", ProductID: "p"}, noon+1000, 0)
	if alerts := rest(whole); len(alerts) > 0 {
		t.Fatalf("of the whole log: %v", alerts)
	}
	if alerts := rest(New(flashSale(workedRule), 1, true)); len(alerts) > 0 {
		t.Errorf("of the log without its first record: %v", alerts)
	}
}

// windowAt is the number of the window that begins so many seconds after noon.
func windowAt(seconds int64) int64 { return int64(noon)/5000 + seconds/5 }

// traffic is n events over so many products, at a rate of 4,000 a second of
// event time, one in sixteen a purchase.
func traffic(n, products int) []event.Event {
	events := make([]event.Event, n)
	names := make([]string, products)
	for i := range names {
		names[i] = fmt.Sprintf("product-%07d", i)
	}
	x := uint64(1)
	for i := range events {
		x = x*6364136223846793005 + 1442695040888963407
		events[i] = event.Event{ID: fmt.Sprintf("evt_%08d", i), Type: event.TypeView, Timestamp: noon + event.Millis(i/4), UserID: "u", ProductID: names[(x>>33)%uint64(products)]}
		if x>>60 == 0 {
			events[i].Type = event.TypePurchase
		}
	}
	return events
}

func BenchmarkPartition(b *testing.B) {
	for _, products := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("products=%d", products), func(b *testing.B) {
			// The same events come again later, which makes them others.
			events := traffic(max(20_000, products), products)
			p := New(rules.Default(), 0, false)
			i, shift := 0, event.Millis(0)
			var alerts []event.Alert
			b.ReportAllocs()
			b.ResetTimer()
			for n := range int64(b.N) {
				e := events[i]
				e.Timestamp += shift
				p.Event(&e, e.Timestamp, n)
				if i++; i == len(events) {
					i, shift = 0, shift+event.Millis(len(events)/4)
				}
				if n%20_000 == 0 {
					alerts = p.Changed(alerts[:0])
				}
			}
		})
	}
}

// BenchmarkRules counts for more rules and longer windows than the default one.
func BenchmarkRules(b *testing.B) {
	for _, c := range []struct {
		rules  int
		window time.Duration
	}{{1, 10 * time.Minute}, {5, 10 * time.Minute}, {20, 10 * time.Minute}, {1, time.Hour}, {1, 24 * time.Hour}} {
		b.Run(fmt.Sprintf("rules=%d/panes=%d", c.rules, c.window/time.Minute), func(b *testing.B) {
			var of []rules.Rule
			for i := range c.rules {
				of = append(of, rules.Rule{
					Name: fmt.Sprintf("rule_%d", i), Window: c.window, Slide: time.Minute,
					When: fmt.Sprintf("views > %d && purchases < 5", 100+10*i),
				})
			}
			events := traffic(500_000, 10_000)
			p := New(setOf(b, time.Minute, of...), 0, false)
			b.ReportAllocs()
			b.ResetTimer()
			for n := range int64(b.N) {
				i, again := int(n)%len(events), event.Millis(int(n)/len(events))
				e := events[i]
				e.Timestamp += again * event.Millis(len(events)/4)
				p.Event(&e, e.Timestamp, n)
			}
		})
	}
}

// BenchmarkRecords is the whole loop but for the fetching: one pass over the
// JSON, the event's checks, and the counting.
func BenchmarkRecords(b *testing.B) {
	events := traffic(500_000, 10_000)
	records := make([]event.Record, len(events))
	for i := range events {
		e := &events[i]
		e.SessionID, e.ProductCategory, e.Brand = "s-"+e.ID, "electronics.smartphone", "samsung"
		e.Price, e.HasPrice, e.Quantity = 1_234_500, true, 1
		records[i] = event.Record{Key: []byte(e.ProductID), Value: e.AppendJSON(nil), Received: e.Timestamp}
	}
	var d event.Decoder
	var e event.Event
	p := New(rules.Default(), 0, false)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range int64(b.N) {
		i := n % int64(len(records))
		if i == 0 {
			p = New(rules.Default(), 0, false)
		}
		if err := d.ReadRecord(records[i], 1, &e); err != nil {
			b.Fatal(err)
		}
		p.Event(&e, records[i].Received, n)
	}
}

// BenchmarkMemory reports what a million products in open windows of twelve
// partitions take, with two or three events each.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		events := traffic(2_400_000, 1_000_000)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var partitions [12]*Partition
		for i := range partitions {
			partitions[i] = New(rules.Default(), 0, false)
		}
		for i := range events {
			e := &events[i]
			partitions[event.Partition(e.ProductID, 12)].Event(e, e.Timestamp, int64(i))
		}
		runtime.ReadMemStats(&after)
		products := 0
		for _, p := range partitions {
			products += p.Products()
		}
		b.ReportMetric(float64(products), "products")
		b.ReportMetric(float64(after.Sys)/(1<<20), "MiB-process")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-live")
		runtime.KeepAlive(events)
		runtime.KeepAlive(partitions)
	}
}
