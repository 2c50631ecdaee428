package processor

import (
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
	"clickstream/processor/windows/windowstest"
)

var tenSeconds = event.Rule{ViewsOver: 2, PurchasesUnder: 1, Window: 10 * time.Second, Slide: 5 * time.Second, Lateness: 2 * time.Second}

// bench is a partition, its quiet time, and a clock that is set by hand.
type bench struct {
	t      *testing.T
	p      *windows.Partition
	q      quiet
	clock  time.Time
	offset int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, p: windows.New(windowstest.Model{Rule: tenSeconds}.First(), 0, false), clock: time.Now()}
	b.q.tick = -1
	b.event("1", 0)
	return b
}

func (b *bench) now() time.Time { return b.clock }

func (b *bench) event(id string, after event.Millis) {
	b.p.Event(&event.Event{ID: id, Type: "view", Timestamp: noon + after, UserID: "u", ProductID: "p"}, noon+after, b.offset)
	b.offset++
	b.q.follow(b.p, 0, b.now)
}

// answer lets time pass and then has the broker name the log's end.
func (b *bench) answer(pass time.Duration, end int64) {
	b.clock = b.clock.Add(pass)
	b.q.observe(&answer{asked: b.clock, got: b.clock, ends: broker.Offsets{0: end}}, 0)
	b.q.follow(b.p, 0, b.now)
}

func (b *bench) want(total time.Duration) {
	b.t.Helper()
	if b.q.total != total {
		b.t.Fatalf("quiet for %s, not %s", b.q.total, total)
	}
}

func TestW3_QuietTimeCountsBetweenAnswersThatNothingIsUnread(t *testing.T) {
	b := newBench(t)
	b.answer(time.Second, 1)
	b.want(0) // what was before the first answer is not known
	b.answer(time.Second, 1)
	b.answer(2*time.Second, 1)
	b.want(3 * time.Second)
	b.answer(2*time.Second+1, 1) // paused, or the broker was unreachable
	b.want(3 * time.Second)
	b.answer(time.Second, 1)
	b.want(4 * time.Second)
	b.answer(time.Second, 2) // something is unread
	b.want(4 * time.Second)
	b.answer(time.Second, 2) // and still is
	b.want(4 * time.Second)
	b.event("1", 0) // a copy of the old event: nothing has moved
	b.want(4 * time.Second)
	b.answer(time.Second, 2)
	b.want(5 * time.Second)
	b.event("2", 1) // this moves the watermark
	b.want(0)
	b.answer(time.Second, 3)
	b.answer(time.Second, 3)
	b.want(time.Second)
}

func TestW3_AnAnswerFromBeforeTheEventProvesNothing(t *testing.T) {
	b := newBench(t)
	old := &answer{asked: b.clock, ends: broker.Offsets{0: 1}}
	b.clock = b.clock.Add(time.Second)
	b.event("2", 1)
	old.got = b.clock
	b.q.observe(old, 0)
	b.q.follow(b.p, 0, b.now)
	b.answer(time.Second, 2)
	b.want(0)
}

// A partition without a leader does not answer.
func TestW3_QuietTimeDoesNotCountWhileThePartitionDoesNotAnswer(t *testing.T) {
	b := newBench(t)
	b.answer(0, 1)
	b.answer(time.Second, 1)
	for range 3 {
		b.clock = b.clock.Add(time.Second)
		b.q.observe(&answer{asked: b.clock, got: b.clock, ends: broker.Offsets{1: 1}}, 0)
		b.q.follow(b.p, 0, b.now)
	}
	b.answer(time.Second, 1)
	b.want(time.Second)
	b.answer(time.Second, 1)
	b.want(2 * time.Second)
}

func TestW3_QuietTimeGoesOnFromTheLastTick(t *testing.T) {
	b := newBench(t)
	b.p.Tick(event.Tick{After: 0, Quiet: 7000}, 1)
	b.offset = 2
	offset, metadata := b.p.Commit()
	resumed, err := windows.Resume(windowstest.Model{Rule: tenSeconds}.Lookup, offset, metadata)
	if err != nil {
		t.Fatal(err)
	}
	b.p, b.q = resumed, quiet{tick: -1}
	b.p.Event(&event.Event{ID: "1", Type: "view", Timestamp: noon, UserID: "u", ProductID: "p"}, noon, 0)
	b.p.Tick(event.Tick{After: 0, Quiet: 7000}, 1)
	b.p.Changed(nil)
	b.q.follow(b.p, 0, b.now)
	b.answer(0, 2)
	b.answer(time.Second, 2)
	b.want(8 * time.Second)

	// An event that moves the event watermark ends it, on the log too.
	b.event("2", 1)
	b.want(0)
	b.answer(time.Second, 3)
	b.answer(time.Second, 3)
	b.want(time.Second)
}

func TestW3_ATickIsWrittenOnlyWhenItClosesAWindow(t *testing.T) {
	b := newBench(t) // at noon: windows end 5 and 10 s after it, the event watermark is -2 s
	b.answer(0, 1)
	due := func(want bool, quiet event.Millis) {
		t.Helper()
		tick, ok := b.q.due(b.p)
		if ok != want || ok && (tick.After != 0 || tick.Quiet != quiet) {
			t.Fatalf("%+v, %v", tick, ok)
		}
	}
	for range 13 {
		b.answer(500*time.Millisecond, 1)
	}
	due(false, 0) // 6.5 s
	b.answer(500*time.Millisecond, 1)
	due(true, 7000)
	b.q.tick = 1 // written, not read back
	due(false, 0)
	b.p.Tick(event.Tick{After: 0, Quiet: 7000}, 1)
	due(false, 0) // nothing more to close
	if tick, ok := b.q.closing(b.p); !ok || tick.Quiet != 12_000 {
		t.Fatalf("%+v, %v closes the last window, which ends 12 s after the event watermark", tick, ok)
	}
	for range 10 {
		b.answer(500*time.Millisecond, 2)
	}
	due(true, 12_000)
	b.p.Tick(event.Tick{After: 0, Quiet: 12_000}, 2)
	b.answer(time.Second, 3)
	due(false, 0) // no window is open
}
