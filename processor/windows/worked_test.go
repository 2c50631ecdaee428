package windows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	p := New(workedRule, 0, false)
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
		p := New(workedRule, 0, false)
		for _, s := range steps[:cut] {
			p.take(s.Record)
			p.Changed(nil)
			p.acknowledged = p.offset
		}
		offset, metadata := p.Commit()
		q, err := Resume(workedRule, offset, metadata)
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

func TestW6_MetadataIsWrittenAndReadBack(t *testing.T) {
	p := New(workedRule, 0, false)
	check := func(offset int64, want string) {
		t.Helper()
		want = "1 rule=" + workedRule.Hash() + " " + want
		gotOffset, got := p.Commit()
		if gotOffset != offset || got != want {
			t.Fatalf("%d %q\nnot %d %q", gotOffset, got, offset, want)
		}
		q, err := Resume(workedRule, gotOffset, got)
		if err != nil {
			t.Fatal(err)
		}
		resumed, again := q.Commit()
		if q.readTo(q.acknowledged); resumed != offset || q.acknowledged != p.offset || q.generation.judged != p.generation.judged {
			t.Fatalf("%q came back as %q", got, again)
		}
		for i := range len(got) {
			if got[i] < ' ' || got[i] > '~' {
				t.Fatalf("%q is not printable", got)
			}
		}
		if len(got) > 1024 {
			t.Fatalf("%d bytes", len(got))
		}
	}
	check(0, "told=0 last_value=-1 event_watermark=none watermark=none quiet_ms=0 judged=all")
	steps := workedLog()
	for _, s := range steps[:19] {
		p.take(s.Record)
	}
	p.Changed(nil)
	// Window 100 s and 95 s hold q's view, which is record 5; before it the
	// watermark was 2 s after noon.
	check(5, fmt.Sprintf("told=19 last_value=4 event_watermark=%d watermark=%d quiet_ms=0 judged=all", noon+2000, noon+2000))
	p.take(steps[19].Record)
	check(20, fmt.Sprintf("told=20 last_value=17 event_watermark=%d watermark=%d quiet_ms=96000 judged=all", noon+14000, noon+110000))

	// Where the log is cut, windows are judged from five minutes after its first
	// event was received: 301 s after noon, so from window 305 s on.
	p = New(workedRule, 100, true)
	check(100, "told=100 last_value=-1 event_watermark=none watermark=none quiet_ms=0 judged=none")
	first := steps[0].Record
	first.Offset = 100
	p.take(first)
	check(101, fmt.Sprintf("told=101 last_value=100 event_watermark=%d watermark=%d quiet_ms=0 judged=%d", noon-1000, noon-1000, noon/5000+61))
}

func TestW6_ACommitThatMeansNothingStartsAtTheBeginning(t *testing.T) {
	good := "1 rule=" + workedRule.Hash() + " told=20 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all"
	if _, err := Resume(workedRule, 5, good); err != nil {
		t.Fatal(err)
	}
	other := workedRule
	other.Lateness += time.Second
	if _, err := Resume(other, 5, good); err == nil {
		t.Fatal("another rule")
	}
	for _, bad := range []string{
		"", "1", "2" + good[1:], "0" + good[1:], "x" + good[1:], good + " more", good + " =1", good + "  more=1", good[:len(good)-3] + "some",
		"1 rule=" + workedRule.Hash() + " told=4 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all",
		"1 rule=" + workedRule.Hash() + " told=20 last_value=5 event_watermark=7 watermark=7 quiet_ms=0 judged=all",
		"1 rule=" + workedRule.Hash() + " told=20 last_value=4 event_watermark=7 watermark=6 quiet_ms=0 judged=all",
		"1 told=20 rule=" + workedRule.Hash() + " last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all",
	} {
		if _, err := Resume(workedRule, 5, bad); err == nil {
			t.Errorf("%q is taken for a commit", bad)
		}
	}
}

// A firing alert does not stand at the counts with which its window began to
// qualify, and is not given again while they stay.
func TestAFiringAlertsCountsAreBroughtUpToDate(t *testing.T) {
	p := New(workedRule, 0, false)
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
	q, err := Resume(workedRule, at, metadata)
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

func TestW6_MetadataOfANewerVersionIsNamed(t *testing.T) {
	good := "1 rule=" + workedRule.Hash() + " told=20 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all"
	for metadata, newer := range map[string]bool{"2" + good[1:]: true, "10 else": true, "1": false, "0" + good[1:]: false, "v2": false, "": false} {
		if _, err := Resume(workedRule, 5, metadata); err == nil || errors.Is(err, ErrNewerVersion) != newer {
			t.Errorf("%q: %v", metadata, err)
		}
	}
}

// Instances of two versions take turns during a deploy: what the newer one has
// added is there when the partition comes back to it.
func TestW6_FieldsThatAreNotKnownAreKept(t *testing.T) {
	const more = " log=abc rules=a=b"
	good := "1 rule=" + workedRule.Hash() + " told=5 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all" + more
	p, err := Resume(workedRule, 5, good)
	if err != nil {
		t.Fatal(err)
	}
	if _, metadata := p.Commit(); metadata != good {
		t.Errorf("%q is committed after %q", metadata, good)
	}
	p.take(workedLog()[6].Record)
	p.Acknowledge(p.Offset())
	if _, metadata := p.Commit(); !strings.HasSuffix(metadata, more) {
		t.Errorf("%q is committed after %q", metadata, good)
	}
	if _, offset, ok := AcknowledgedIn(good); offset != 5 || !ok {
		t.Errorf("acknowledged in it is %d, %v", offset, ok)
	}
}
