package windows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/processor/windows/windowstest"
)

// The stream below is worked out by hand. Windows are 10 s long and start every
// 5 s, events may be 2 s late, a product qualifies with more than 2 views and
// less than 1 purchase. Times are seconds after noon; the windows that matter
// begin at -5, 0, 5, 10, 15 and 20.
var workedRule = event.Rule{ViewsOver: 2, PurchasesUnder: 1, Window: 10 * time.Second, Slide: 5 * time.Second, Lateness: 2 * time.Second}

type workedStep struct {
	windowstest.Record
	watermark event.Millis // after the record, in ms after noon
	alerts    []string     // emitted after the record
}

func workedLog() []workedStep {
	at := func(seconds float64) event.Millis { return noon + event.Millis(seconds*1000) }
	ev := func(kind, id, product string, when, received float64) windowstest.Record {
		return windowstest.Record{Event: event.Event{ID: id, Type: kind, Timestamp: at(when), UserID: "u", ProductID: product, Quantity: 1}, Received: at(received)}
	}
	tick := func(after int64, quiet event.Millis) windowstest.Record {
		return windowstest.Record{Kind: windowstest.IsTick, Tick: event.Tick{After: after, Quiet: quiet}}
	}
	steps := []workedStep{
		// 0: in windows -5 and 0.
		{ev("view", "1", "p", 1, 1), -1000, nil},
		{ev("view", "2", "p", 2, 2), 0, nil},
		// 2: a later copy, with another receive time.
		{ev("view", "2", "p", 2, 3), 0, nil},
		// 3: the third view of windows -5 and 0; the watermark is 1 s.
		{ev("view", "3", "p", 3, 3), 1000, []string{"firing p -5 3/0 v4", "firing p 0 3/0 v4"}},
		// 4: a clock more than 5 minutes ahead: counts for nothing, and its
		// receive time moves the watermark to 2 s.
		{ev("view", "4", "p", 310, 4), 2000, nil},
		// 5: a clock 100 s ahead counts where it says; it moves the watermark
		// by its receive time only.
		{ev("view", "5", "q", 104, 4), 2000, nil},
		// 6: the watermark is 5 s: window -5 closes. The event is in 5 and 0.
		{ev("view", "6", "p", 7, 7), 5000, []string{"confirmed p -5 3/0 v7"}},
		// 7: a straggler in the closed window -5 and the open window 0, to which
		// it brings a purchase.
		{ev("purchase", "7", "p", 4.5, 8), 5000, []string{"retracted p 0 4/1 v8"}},
		// 8: invalid moves nothing but the offsets.
		{windowstest.Record{Kind: windowstest.IsInvalid}, 5000, nil},
		// 9: a tick from before the invalid is not valid.
		{tick(7, 60_000), 5000, nil},
		// 10: the watermark is 10 s: window 0 closes, it has qualified once.
		{ev("view", "8", "p", 12, 12), 10000, []string{"retracted p 0 4/1 v11"}},
		// 11: late: its windows -5 and 0 are closed.
		{ev("view", "9", "p", 3, 12), 10000, nil},
		// 12: windows 5 and 10 have views 6, 8 and 10, and 8 and 10.
		{ev("view", "10", "p", 13, 13), 11000, []string{"firing p 5 3/0 v13"}},
		{ev("view", "11", "p", 14, 14), 12000, []string{"firing p 10 3/0 v14"}},
		// 14: at exactly its end a window is closed: the watermark is 15 s.
		{tick(13, 3000), 15000, []string{"confirmed p 5 4/0 v15"}},
		// 15: the tick's watermark stays: the event's own is 13 s.
		{ev("view", "12", "p", 15, 15), 15000, nil},
		{ev("view", "13", "p", 16, 16), 15000, nil},
		// 17: a view at 14 counts in 10 alone: window 5 is closed.
		{ev("view", "14", "p", 14, 16.5), 15000, nil},
		// 18: the quiet end. The event watermark is 14 s.
		{tick(17, 6000), 20000, []string{"confirmed p 10 6/0 v19"}},
		// 19: q's only view is alone in its windows, which end at 105 and 110 s.
		{tick(17, 96_000), 110000, nil},
	}
	for i := range steps {
		steps[i].Offset = int64(i)
	}
	return steps
}

func short(a event.Alert) string {
	return fmt.Sprintf("%s %s %d %d/%d v%d", a.Status, a.ProductID, (event.MillisOf(a.WindowStart)-noon)/1000, a.Views, a.Purchases, a.Version)
}

func TestW3W4W5_AStreamWorkedOutByHand(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	for _, s := range workedLog() {
		p.take(s.Record)
		if got := p.watermark - noon; got != s.watermark {
			t.Fatalf("%v: the watermark is %d ms after noon, not %d", s.Record, got, s.watermark)
		}
		var got []string
		for _, a := range p.Changed(nil) {
			got = append(got, short(a))
		}
		if !slices.Equal(got, s.alerts) {
			t.Fatalf("%v: emitted %q, not %q", s.Record, got, s.alerts)
		}
	}
	if want := (Counts{Events: 15, Duplicates: 1, Late: 1, Future: 1, Invalid: 1, Ticks: 3, InvalidTicks: 1}); p.counts != want {
		t.Fatalf("counted %+v, not %+v", p.counts, want)
	}
	if p.Products() != 0 || p.OpenWindows() != 0 {
		t.Fatalf("%d products and %d windows are left", p.Products(), p.OpenWindows())
	}
}

func TestW6_TheHandWorkedStreamReplayedFromAnyCommit(t *testing.T) {
	steps := workedLog()
	for cut := range steps {
		p := New(flashSale(workedRule), 0, false)
		for _, s := range steps[:cut] {
			p.take(s.Record)
			p.Changed(nil)
			p.acknowledged = p.offset
		}
		offset, metadata := p.Commit()
		q, err := Resume(lookup(workedRule), offset, metadata)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range steps[offset:] {
			q.take(s.Record)
			var got []string
			for _, a := range q.Changed(nil) {
				got = append(got, short(a))
			}
			want := s.alerts
			if int(offset)+i < cut {
				want = nil // emitted before the commit
			}
			if !slices.Equal(got, want) {
				t.Fatalf("committed before record %d, from %d on; %v: emitted %q, not %q", cut, offset, s.Record, got, want)
			}
		}
	}
}

// A firing alert does not stand at the counts with which its window began to
// qualify, and is not given again while they stay.
func TestAFiringAlertsCountsAreBroughtUpToDate(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	var offset int64
	given := func(step string, alerts []event.Alert, want ...string) {
		t.Helper()
		var got []string
		for _, a := range alerts {
			got = append(got, short(a))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: given %q, not %q", step, got, want)
		}
	}
	add := func(kind string, at event.Millis) {
		p.Event(&event.Event{ID: fmt.Sprint(offset), Type: kind, Timestamp: noon + at, UserID: "u", ProductID: "p"}, noon+at, offset)
		offset++
	}
	for range 3 {
		add("view", 1000)
	}
	given("nothing was given yet", p.Moved(nil))
	given("it qualifies", p.Changed(nil), "firing p -5 3/0 v3", "firing p 0 3/0 v3")
	given("the counts are those given", p.Moved(nil))
	add("view", 6000)
	add("view", 6000)
	given("its state is the same", p.Changed(nil))
	given("the counts of one have moved", p.Moved(nil), "firing p 0 5/0 v5")
	given("the counts are those given last", p.Moved(nil))

	at, metadata := p.Commit()
	q, err := Resume(lookup(workedRule), at, metadata)
	if err != nil {
		t.Fatal(err)
	}
	given("it is being rebuilt", q.Moved(nil))
	for _, e := range []struct {
		id string
		at event.Millis
	}{{"0", 1000}, {"1", 1000}, {"2", 1000}, {"3", 6000}, {"4", 6000}} {
		q.Event(&event.Event{ID: e.id, Type: "view", Timestamp: noon + e.at, UserID: "u", ProductID: "p"}, noon+e.at, q.Offset())
	}
	given("its state is acknowledged", q.Changed(nil))
	given("the topic's counts are unknown", q.Moved(nil), "firing p -5 3/0 v5", "firing p 0 5/0 v5")
	given("they are known", q.Moved(nil))

	add("purchase", 6000)
	given("it qualifies no more", p.Changed(nil), "retracted p 0 5/1 v6")
	add("view", 6000)
	given("it does not fire", p.Moved(nil))
}
