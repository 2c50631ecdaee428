package simulation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// sets are the rule sets that are put in force, the first one on the empty log.
// Their windows close within a phase.
var sets = []*rules.Set{
	newSet(3*time.Second, rules.Rule{Name: "flash_sale", When: "views > 5 && purchases < 2", Window: 20 * time.Second, Slide: 5 * time.Second, Notify: true}),
	newSet(3*time.Second, rules.Rule{Name: "flash_sale", When: "views > 3 && purchases < 2", Window: 20 * time.Second, Slide: 5 * time.Second, Notify: true}),
	newSet(5*time.Second,
		rules.Rule{Name: "flash_sale", When: "views > 5 && purchases < 2", Window: 20 * time.Second, Slide: 5 * time.Second, Notify: true},
		rules.Rule{Name: "carts", When: "carts > 1", Window: 12 * time.Second, Slide: 3 * time.Second}),
	// With a rule of the first set, whose episodes go on (W9).
	newSet(3*time.Second,
		rules.Rule{Name: "flash_sale", When: "views > 5 && purchases < 2", Window: 20 * time.Second, Slide: 5 * time.Second, Notify: true},
		rules.Rule{Name: "some_carts", When: "carts > 1", Window: 10 * time.Second, Slide: 5 * time.Second, Notify: true}),
	newSet(time.Second, rules.Rule{Name: "few_buy", When: "views > 2 && conversion_rate < 20", Window: 9 * time.Second, Slide: 9 * time.Second, Notify: true}),
}

func newSet(lateness time.Duration, of ...rules.Rule) *rules.Set {
	set, err := rules.New(lateness, of)
	if err != nil {
		panic(err)
	}
	return set
}

func setOf(hash string) *rules.Set {
	return sets[slices.IndexFunc(sets, func(s *rules.Set) bool { return s.Hash() == hash })]
}

// notifies says whether people are notified of the alerts of a rule.
func notifies(definition string) bool {
	for _, s := range sets {
		for i, r := range s.Rules() {
			if s.Definition(i) == definition {
				return r.Notify
			}
		}
	}
	return false
}

// load writes events with duplicates, conflicts, late and future ones among them,
// invalid records and ticks of its own, and is quiet at times.
type load struct {
	producer   *broker.Client
	draw       *rand.Rand
	partitions int32
	step       atomic.Int64 // how far the broker's clock is off, in nanoseconds
	failed     func(error)

	made   int
	events []event.Event // a sample of those that were written, to write again
}

// run writes until ctx ends, and then waits until all is acknowledged.
func (l *load) run(ctx context.Context) {
	for ctx.Err() == nil {
		for range 1 + l.draw.IntN(8) {
			l.write()
		}
		pause := time.Duration(l.draw.Int64N(int64(900 * time.Millisecond)))
		if l.draw.IntN(40) == 0 {
			pause += time.Duration(l.draw.Int64N(int64(40 * time.Second)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	_ = l.producer.Flush(context.WithoutCancel(ctx)) // which has no end
}

func (l *load) received() time.Time {
	return time.Now().Add(time.Duration(l.step.Load())).Truncate(time.Millisecond)
}

func (l *load) write() {
	topic := l.producer.Topics().Events
	var r *kgo.Record
	switch n := l.draw.IntN(100); {
	case n < 97:
		e := l.event()
		r = &kgo.Record{Topic: topic, Partition: event.Partition(e.Key(), l.partitions), Key: []byte(e.Key()), Value: e.AppendJSON(nil)}
	case n < 99:
		r = &kgo.Record{Topic: topic, Partition: l.draw.Int32N(l.partitions), Value: []byte("no event")}
	default: // a tick that is not valid, but by chance
		r = broker.TickRecord(topic, l.draw.Int32N(l.partitions), event.Tick{After: l.draw.Int64N(200), Quiet: 10_000})
	}
	r.Timestamp = l.received()
	l.producer.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			l.failed(fmt.Errorf("write to topic %s: %w", r.Topic, err))
		}
	})
}

func (l *load) event() event.Event {
	if len(l.events) > 0 && l.draw.IntN(10) == 0 {
		old := l.events[l.draw.IntN(len(l.events))]
		if l.draw.IntN(4) == 0 {
			old.Brand += "+" // a conflict
		}
		return old
	}
	l.made++
	at := event.MillisOf(l.received()) - event.Millis(l.draw.Int64N(3_500))
	switch l.draw.IntN(30) {
	case 0:
		at -= event.Millis(l.draw.Int64N(60_000)) // some are late
	case 1:
		at += event.Millis(l.draw.Int64N(10_000))
	case 2:
		at += event.Millis(l.draw.Int64N(2 * int64(event.FutureAfter))) // some are future
	}
	e := event.Event{
		ID: fmt.Sprint("e", l.made), Type: event.TypeView, Timestamp: at, SessionID: "s",
		ProductID: fmt.Sprint("p", int(12*l.draw.Float64()*l.draw.Float64())), Quantity: 1,
	}
	switch l.draw.IntN(14) {
	case 0:
		e.Type = event.TypePurchase
	case 1:
		e.Type = event.TypeAddToCart
	}
	if len(l.events) < 300 {
		l.events = append(l.events, e)
	} else {
		l.events[l.draw.IntN(len(l.events))] = e
	}
	return e
}
