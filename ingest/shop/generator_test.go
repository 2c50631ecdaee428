package shop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

var generatorStart = time.Date(2026, 11, 22, 9, 7, 0, 0, time.UTC)

func generate(t *testing.T, opts Options, length time.Duration) (*Generator, []event.Event) {
	t.Helper()
	opts.Start = generatorStart
	g, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	if _, err := g.Write(t.Context(), 0, generatorStart.Add(length), func(e *event.Event) error {
		events = append(events, *e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return g, events
}

func TestTheGeneratorIsAFunctionOfItsOptions(t *testing.T) {
	_, a := generate(t, Options{Seed: 7}, 5*time.Minute)
	_, b := generate(t, Options{Seed: 7}, 5*time.Minute)
	_, c := generate(t, Options{Seed: 8}, 5*time.Minute)
	if !slices.Equal(a, b) {
		t.Error("the same options give different events")
	}
	if slices.Equal(a, c) || a[0].ID == c[0].ID {
		t.Error("another seed gives the same events or ids")
	}
}

func TestGeneratedEventsAreAPlausibleShop(t *testing.T) {
	_, events := generate(t, Options{Seed: 1, NoSale: true}, 40*time.Minute)
	ids := make(map[string]bool)
	types := make(map[string]float64)
	last := event.Millis(0)
	var d event.Decoder
	for _, e := range events {
		if err := e.Validate(e.Timestamp); err != nil {
			t.Fatalf("%+v is not valid: %v", e, err)
		}
		var again event.Event
		if err := d.Decode(e.AppendJSON(nil), &again); err != nil || again != e {
			t.Fatalf("%+v is read back as %+v, %v", e, again, err)
		}
		if e.Timestamp < last {
			t.Fatal("the events are not in the order of time")
		}
		if ids[e.ID] {
			t.Fatalf("the id %s comes twice", e.ID)
		}
		ids[e.ID], last = true, e.Timestamp
		types[e.Type]++
	}
	if perSecond := float64(len(events)) / 2400; perSecond < 17 || perSecond > 23 {
		t.Errorf("%.1f events a second, 20 are asked for", perSecond)
	}
	for _, tt := range []struct {
		what           string
		got, low, high float64
	}{
		{"views of all events", types["view"] / float64(len(events)), 0.5, 0.85},
		{"carts of views", types["add_to_cart"] / types["view"], 0.03, 0.2},
		{"purchases of views", types["purchase"] / types["view"], 0.015, 0.12},
		{"checkouts of carts", types["checkout"] / types["add_to_cart"], 0.3, 0.95},
		{"searches", types["search"], 100, 1e9},
		{"removals", types["remove_from_cart"], 10, 1e9},
		{"wishes", types["wishlist"], 10, 1e9},
	} {
		if tt.got < tt.low || tt.got > tt.high {
			t.Errorf("%s: %g is not between %g and %g", tt.what, tt.got, tt.low, tt.high)
		}
	}
}

// qualifying counts by brute force, for each product, the windows in which it
// qualifies.
func qualifying(events []event.Event) map[string]int {
	rule := event.DefaultRule()
	type window struct {
		product string
		start   event.Millis
	}
	views, purchases := make(map[window]int), make(map[window]int)
	slide := event.Millis(rule.Slide.Milliseconds())
	for _, e := range events {
		first := e.Timestamp / slide * slide
		for i := range event.Millis(rule.Window / rule.Slide) {
			w := window{e.ProductID, first - i*slide}
			switch e.Type {
			case event.TypeView:
				views[w]++
			case event.TypePurchase:
				purchases[w]++
			}
		}
	}
	products := make(map[string]int)
	for w, n := range views {
		if rule.Qualifies(n, purchases[w]) {
			products[w.product]++
		}
	}
	return products
}

func TestOnlyTheFlashSaleQualifies(t *testing.T) {
	for _, rate := range []float64{20, 60} {
		g, events := generate(t, Options{Seed: 3, Rate: rate}, 45*time.Minute)
		found := qualifying(events)
		sale := found[g.SaleProduct()]
		delete(found, g.SaleProduct())
		// The sale lasts 30 minutes; each minute of it begins a window.
		if sale < 30 || sale > 50 {
			t.Errorf("at %g events a second the sale qualifies in %d windows", rate, sale)
		}
		if len(found) > 0 {
			t.Errorf("at %g events a second other products qualify: %v", rate, found)
		}
	}
}

// A newcomer starts with 15 minutes of history and sees the alert soon.
func TestTheFlashSaleQualifiesWithinAMinuteOfTheStart(t *testing.T) {
	for seed := range uint64(8) {
		g, events := generate(t, Options{Seed: seed}, 16*time.Minute)
		count := func(before time.Duration) (views int) {
			for _, e := range events {
				if e.ProductID == g.SaleProduct() && e.Type == event.TypeView && e.Timestamp.Time().Before(generatorStart.Add(before)) {
					views++
				}
			}
			return views
		}
		if n := count(15 * time.Minute); n > 100 {
			t.Errorf("seed %d: the history alone has %d views: no alert comes while one looks", seed, n)
		}
		if n := count(15*time.Minute + 58*time.Second); n <= 100 {
			t.Errorf("seed %d: after 58 seconds there are only %d views", seed, n)
		}
	}
}

func TestOptionsAreCheckedTogether(t *testing.T) {
	_, err := New(Options{Rate: -1, Products: 3, Users: -2, SaleRate: -5})
	for _, want := range []string{"rate is -1", "products is 3", "users is -2", "sale rate is -5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestTheGeneratorRunsOnWithTheClock(t *testing.T) {
	cfg, p := newPipeline(t)
	ctx, cancel := context.WithCancel(testwait.Context(t))
	g, err := New(Options{Rate: 10})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, p) }()
	testwait.Until(t, "an event of now is on the log", func() bool {
		events := brokertest.Events(t, cfg)
		for _, e := range events {
			if e.Timestamp.Time().After(begun) {
				return len(events) > 5000 // the history is there, and what came live
			}
		}
		return false
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	events := brokertest.Events(t, cfg)
	if int64(len(events)) != g.Appended() {
		t.Errorf("%d events on the log, %d appended", len(events), g.Appended())
	}
	for _, e := range events {
		if e.Timestamp.Time().After(time.Now()) {
			t.Errorf("an event of %s came before its time", e.Timestamp)
		}
	}
}

func TestWriteStopsAtItsLimits(t *testing.T) {
	g, err := New(Options{Start: generatorStart})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	write := func(e *event.Event) error { seen = append(seen, e.ID); return nil }
	if n, err := g.Write(t.Context(), 10, time.Time{}, write); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := g.Write(t.Context(), 0, generatorStart, write); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	full := errors.New("full")
	if _, err := g.Write(t.Context(), 0, time.Time{}, func(e *event.Event) error { seen = append(seen, e.ID); return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if len(seen) != 11 || !strings.HasSuffix(seen[10], "-11") {
		t.Errorf("seen are %v: an event is lost or comes twice", seen)
	}
}

func BenchmarkGenerator(b *testing.B) {
	g, err := New(Options{Start: generatorStart, Rate: 1000})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g.Next()
	}
}
