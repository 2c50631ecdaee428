package simulation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// load writes records to the topics: events of several days with duplicates and
// conflicts among them, invalid records, ticks, alerts and rejected records.
type load struct {
	producer   *broker.Client
	truth      *truth
	draw       *rand.Rand
	partitions int32
	step       atomic.Int64 // how far the broker's clock is off, in nanoseconds

	made   int
	events []event.Event // a sample of those that were written, to write again
}

type recordKind string

// written is what the load knows of a record.
type written struct {
	kind   recordKind
	reason event.Reason // why it will be rejected; empty: it is valid
	event  event.Event
	alert  event.Alert
}

// run writes until ctx ends, and then waits until all is acknowledged.
func (l *load) run(ctx context.Context) {
	for ctx.Err() == nil {
		n := 1 + l.draw.IntN(12)
		if l.draw.IntN(25) == 0 {
			n = 300 + l.draw.IntN(600) // a burst
		}
		for range n {
			l.write()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(l.draw.Int64N(int64(900 * time.Millisecond)))):
		}
	}
	_ = l.producer.Flush(context.WithoutCancel(ctx)) // which has no end
}

func (l *load) received() time.Time {
	return time.Now().Add(time.Duration(l.step.Load())).Truncate(time.Millisecond)
}

func (l *load) write() {
	topics := l.producer.Topics()
	var r *kgo.Record
	var w written
	table := "event_log"
	switch n := l.draw.IntN(100); {
	case n < 86:
		r, w = l.eventRecord()
		r.Topic = topics.Events
	case n < 87:
		w.kind = "rules"
		r = broker.RulesRecord(topics.Events, l.draw.Int32N(l.partitions), event.RulesChange{Hash: rules.Default().Hash()})
	case n < 89:
		w.kind = "tick"
		r = broker.TickRecord(topics.Events, l.draw.Int32N(l.partitions), event.Tick{After: -1, Quiet: 1000})
	case n < 96:
		r, w = l.alertRecord()
		table, r.Topic = "alert_log", topics.Alerts
	default:
		r, w = l.rejectedRecord(topics.Rejected)
		table = "rejected_log"
	}
	r.Timestamp = l.received()
	l.producer.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			l.truth.fail(fmt.Errorf("write to topic %s: %w", r.Topic, err))
			return
		}
		l.truth.written(table, r, w)
	})
}

// eventRecord is a record of the event log.
func (l *load) eventRecord() (*kgo.Record, written) {
	w := written{kind: "event", event: l.newEvent()}
	if len(l.events) > 0 {
		old := l.events[l.draw.IntN(len(l.events))]
		switch n := l.draw.IntN(100); {
		case n < 8:
			w.kind, w.event = "duplicate", old
		case n < 11:
			old.Brand += "+"
			w.kind, w.event = "conflict", old
		}
	}
	if len(l.events) < 300 {
		l.events = append(l.events, w.event)
	} else {
		l.events[l.draw.IntN(len(l.events))] = w.event
	}
	e := &w.event
	r := &kgo.Record{Key: []byte(e.Key()), Partition: event.Partition(e.Key(), l.partitions)}
	switch n := l.draw.IntN(100); {
	case n == 0:
		w.kind, w.reason = "invalid", event.ReasonBadJSON
		r.Value = fmt.Appendf(nil, `{"event_id":"broken %d`, l.made)
		return r, w
	case n == 1:
		w.kind, w.reason = "invalid", event.ReasonWrongKey
		r.Key = []byte("another")
	case n == 2:
		w.kind, w.reason = "invalid", event.ReasonTooFarAhead
		e.Timestamp = event.MillisOf(l.received().Add(25 * time.Hour))
	case n == 3 && l.partitions > 1:
		w.kind, w.reason = "invalid", event.ReasonWrongKey
		r.Partition = (r.Partition + 1) % l.partitions
	}
	r.Value = e.AppendJSON(nil)
	return r, w
}

var types = []string{event.TypeView, event.TypeView, event.TypeAddToCart, event.TypePurchase, event.TypeSearch}

func (l *load) newEvent() event.Event {
	l.made++
	at := l.received().Add(-time.Duration(l.draw.Int64N(int64(time.Minute))))
	if l.draw.IntN(8) == 0 {
		at = at.AddDate(0, 0, -l.draw.IntN(6)) // late
	}
	e := event.Event{
		ID: fmt.Sprintf("e%d", l.made), Type: types[l.draw.IntN(len(types))], Timestamp: event.MillisOf(at),
		UserID: fmt.Sprintf("u%d", l.draw.IntN(20)), SessionID: fmt.Sprintf("s%d", l.draw.IntN(20)), ProductID: fmt.Sprintf("p%d", l.draw.IntN(40)),
		ProductCategory: "shoes", Brand: fmt.Sprintf("b%d", l.draw.IntN(5)), Quantity: 1 + l.draw.Int32N(3), Source: "simulation",
	}
	if e.Type == event.TypeSearch {
		e.ProductID = "" // the session is the key
	}
	if l.draw.IntN(3) > 0 {
		e.Price, e.HasPrice = l.draw.Int64N(1_000_000), true
	}
	if l.draw.IntN(10) == 0 {
		e.Properties = fmt.Sprintf(`{"n":%d}`, l.made)
	}
	return e
}

// alertRecord is a record of the alerts topic. One version has one content.
func (l *load) alertRecord() (*kgo.Record, written) {
	w := written{kind: "alert"}
	r := &kgo.Record{}
	if l.draw.IntN(20) == 0 {
		w.kind, w.reason = "invalid", event.ReasonBadJSON
		l.made++
		r.Value = fmt.Appendf(nil, "no alert %d", l.made)
		r.Partition = l.draw.Int32N(l.partitions)
		return r, w
	}
	product := fmt.Sprintf("p%d", l.draw.IntN(8))
	start := l.received().Truncate(10 * time.Minute).UTC()
	version := l.draw.Int64N(50)
	w.alert = event.Alert{
		ID: fmt.Sprintf("%s@%d", product, start.Unix()), Rule: "flash_sale", ProductID: product, WindowStart: start, WindowEnd: start.Add(10 * time.Minute),
		Status: event.Firing, Views: 101 + int(version), ConversionRate: float64(version) / 4, Version: version, Exact: version%2 == 0,
	}
	r.Key, r.Partition = []byte(product), event.Partition(product, l.partitions)
	r.Value, _ = w.alert.AppendJSON(nil) // which never fails for such values
	return r, w
}

// rejectedRecord is what the other ways into the log have rejected. Some have
// come from elsewhere, without headers.
func (l *load) rejectedRecord(topic string) (*kgo.Record, written) {
	w := written{kind: "rejected"}
	if l.draw.IntN(10) == 0 {
		return &kgo.Record{Topic: topic, Partition: l.draw.Int32N(l.partitions), Value: []byte("without headers")}, w
	}
	r := event.Rejected{
		Key: []byte("k"), Value: fmt.Appendf(nil, "line %d", l.draw.IntN(30)),
		Rejection: event.Rejection{Reason: event.ReasonBadRow, Field: "price", Message: "not a number"},
		Origin:    event.Origin{Kind: event.OriginFile, Name: "clicks.csv", Position: l.draw.Int64N(30)},
	}
	return broker.RejectedRecord(topic, l.partitions, r), w
}
