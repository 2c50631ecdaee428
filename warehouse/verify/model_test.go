package verify_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// model is W1 to W5 for one partition, in plain code.
type model struct {
	rule        event.Rule
	eventMark   event.Millis // event watermark
	mark        event.Millis
	lastValue   int64
	counted     map[string]bool
	views, buys map[window]int
}

type window struct {
	product string
	start   event.Millis
}

const never = event.Millis(-1 << 50)

func newModel(rule event.Rule) *model {
	return &model{rule: rule, eventMark: never, mark: never, lastValue: -1,
		counted: map[string]bool{}, views: map[window]int{}, buys: map[window]int{}}
}

func (m *model) event(e event.Event, received event.Millis, offset int64) {
	before := m.mark
	m.lastValue = offset
	m.eventMark = max(m.eventMark, min(e.Timestamp, received)-event.Millis(m.rule.Lateness.Milliseconds()))
	m.mark = max(m.mark, m.eventMark)
	if e.IsFuture(received) {
		return
	}
	identity := fmt.Sprint(e.Key(), "|", e.Type, "|", e.Timestamp, "|", e.ID)
	if m.counted[identity] {
		return
	}
	m.counted[identity] = true
	length, slide := event.Millis(m.rule.Window.Milliseconds()), event.Millis(m.rule.Slide.Milliseconds())
	for start := e.Timestamp / slide * slide; start > e.Timestamp-length; start -= slide {
		if before >= start+length {
			continue
		}
		switch e.Type {
		case event.TypeView:
			m.views[window{e.ProductID, start}]++
		case event.TypePurchase:
			m.buys[window{e.ProductID, start}]++
		}
	}
}

func (m *model) tick(t event.Tick) {
	if t.After == m.lastValue && m.eventMark > never {
		m.mark = max(m.mark, m.eventMark+t.Quiet)
	}
}

func (m *model) confirmed(version int64) (alerts []event.Alert) {
	for w, views := range m.views {
		end := w.start + event.Millis(m.rule.Window.Milliseconds())
		if m.mark >= end && m.rule.Qualifies(views, m.buys[w]) {
			alerts = append(alerts, event.Alert{
				ID: m.rule.AlertID(w.product, w.start), Rule: m.rule.String(), ProductID: w.product,
				WindowStart: w.start.Time(), WindowEnd: end.Time(), Status: event.Confirmed,
				Views: views, Purchases: m.buys[w], ConversionRate: event.ConversionRate(views, m.buys[w]),
				Version: version, Exact: true,
			})
		}
	}
	return alerts
}

// randomLog is records of every kind, and the alerts that follow from them.
func randomLog(seed uint64, n int, partitions int32, rule event.Rule, topic string) (records []*kgo.Record, alerts []event.Alert, invalid int) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	models := make([]*model, partitions)
	next := make([]int64, partitions)
	for p := range models {
		models[p] = newModel(rule)
	}
	now := event.MillisOf(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	var sent []event.Event
	add := func(r *kgo.Record) int64 {
		r.Topic, r.Timestamp = topic, now.Time()
		records = append(records, r)
		next[r.Partition]++
		return next[r.Partition] - 1
	}
	for i := range n {
		now += event.Millis(rnd.IntN(300))
		p := rnd.Int32N(partitions)
		switch k := rnd.IntN(100); {
		case k < 2:
			t := event.Tick{After: models[p].lastValue - rnd.Int64N(2), Quiet: event.Millis(rnd.IntN(15000))}
			add(broker.TickRecord(topic, p, t))
			models[p].tick(t)
			continue
		case k < 3:
			add(broker.RulesRecord(topic, p, event.RulesChange{Hash: rules.Default().Hash(), At: now}))
			continue
		case k < 5:
			models[p].lastValue = add(&kgo.Record{Partition: p, Value: fmt.Appendf(nil, "invalid %d", i)})
			invalid++
			continue
		}
		e := event.Event{
			ID: fmt.Sprintf("e%d", i), Type: event.TypeView, Timestamp: now - event.Millis(rnd.IntN(4000)),
			UserID: "u", ProductID: fmt.Sprintf("p%d", rnd.IntN(5)), Quantity: 1, Brand: "acme",
		}
		switch k := rnd.IntN(100); {
		case k < 6:
			e.Type = event.TypePurchase
		case k < 9:
			e.Type = event.TypeAddToCart
		case k < 13:
			e.Timestamp -= event.Millis(rnd.IntN(40_000)) // often late
		case k < 15:
			e.Timestamp += event.FutureAfter + event.Millis(rnd.IntN(10_000))
		case k < 25 && len(sent) > 0:
			e = sent[rnd.IntN(len(sent))] // again, perhaps with another content
			if rnd.IntN(3) == 0 {
				e.Brand = "other"
			}
		}
		sent = append(sent, e)
		p = event.Partition(e.Key(), partitions)
		offset := add(&kgo.Record{Partition: p, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
		models[p].event(e, now, offset)
	}
	for p, m := range models {
		alerts = append(alerts, m.confirmed(next[p])...)
	}
	return records, alerts, invalid
}
