package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	eventsTopic   = "ecom_clickstream_events"
	alertsTopic   = "flash_sale_alerts"
	rejectedTopic = "ecom_clickstream_rejected"
	ledgerTopic   = "clickstream_notifications"

	products  = 200
	onSale    = 8    // of these products most events are
	remembers = 5000 // events of which duplicates are sent
)

// load appends events to the log, good ones and all that other producers may
// send: duplicates, conflicts, late events, events of other days and of the
// future, and records that are no events.
type load struct {
	client   *kgo.Client
	chance   chance
	rate     int
	sent     []*kgo.Record
	number   int
	failures atomic.Int64
}

func newLoad(s settings, kafka string) (*load, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.DefaultProduceTopic(eventsTopic), kgo.AlwaysRetryEOF(),
		kgo.MaxBufferedRecords(200_000), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return &load{client: client, chance: newChance(s.seed, 0), rate: s.rate}, nil
}

// start appends until ctx ends; then it closes the channel.
func (l *load) start(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		const step = 20 * time.Millisecond
		tick := time.NewTicker(step)
		defer tick.Stop()
		begun, n := time.Now(), 0
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				for due := int(now.Sub(begun).Seconds() * float64(l.rate)); n < due; n++ {
					// What is sent is acknowledged in the end: not with ctx.
					l.client.Produce(context.WithoutCancel(ctx), l.record(now), l.acknowledged)
				}
			}
		}
	}()
	return done
}

func (l *load) acknowledged(_ *kgo.Record, err error) {
	if err != nil {
		l.failures.Add(1)
	}
}

// flush waits until all is acknowledged.
func (l *load) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := l.client.Flush(ctx); err != nil {
		return fmt.Errorf("wait until Kafka has acknowledged all events: %w", err)
	}
	return nil
}

func (l *load) close() { l.client.Close() }

// record is the next record to send.
func (l *load) record(now time.Time) *kgo.Record {
	l.number++
	kind := l.chance.IntN(1000)
	if len(l.sent) > 100 && kind < 40 {
		old := l.old()
		return &kgo.Record{Key: old.Key, Value: old.Value}
	}
	if len(l.sent) > 100 && kind < 50 {
		return l.conflict()
	}
	fields, key := l.event(now)
	if kind < 60 {
		return invalid(l.chance, fields, key)
	}
	value, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	r := &kgo.Record{Key: []byte(key), Value: value}
	if len(l.sent) < remembers {
		l.sent = append(l.sent, r)
	} else {
		l.sent[l.chance.IntN(remembers)] = r
	}
	return r
}

func (l *load) old() *kgo.Record { return l.sent[l.chance.IntN(len(l.sent))] }

// conflict is an event that was sent before, with another brand.
func (l *load) conflict() *kgo.Record {
	old := l.old()
	var fields map[string]any
	if err := json.Unmarshal(old.Value, &fields); err != nil {
		panic(err) // it was encoded here
	}
	fields["brand"] = fmt.Sprintf("other-%d", l.number)
	value, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Key: old.Key, Value: value}
}

// event is a new event that happened about now, or at another time.
func (l *load) event(now time.Time) (fields map[string]any, key string) {
	c := l.chance
	at := now.Add(-c.between(0, time.Second))
	switch kind := c.IntN(1000); {
	case kind < 30:
		at = now.Add(-c.between(time.Second, 90*time.Second))
	case kind < 50:
		at = now.Add(-c.between(24*time.Hour, 6*24*time.Hour))
	case kind < 55:
		at = now.Add(c.between(6*time.Minute, 3*time.Hour))
	}
	product := fmt.Sprintf("p-%d", c.IntN(products))
	if c.IntN(10) < 6 {
		product = fmt.Sprintf("p-%d", c.IntN(onSale))
	}
	fields = map[string]any{
		"event_id": fmt.Sprintf("e-%d", l.number), "event_type": "view", "timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"user_id": fmt.Sprintf("u-%d", c.IntN(5000)), "session_id": fmt.Sprintf("s-%d", c.IntN(9000)), "product_id": product,
		"product_category": []string{"shoes", "hats", "Mäntel & Jacken"}[c.IntN(3)], "brand": fmt.Sprintf("b%d", c.IntN(30)),
		"currency": "EUR", "price": float64(c.IntN(1_000_000)) / 10_000, "device_type": "mobile",
	}
	maps.Copy(fields, rest(c, product))
	if fields["product_id"] == nil {
		delete(fields, "product_id")
		return fields, fields["session_id"].(string)
	}
	return fields, product
}

// rest is what only some events have.
func rest(c chance, product string) map[string]any {
	switch kind := c.IntN(100); {
	case kind < 2:
		return map[string]any{"event_type": "search", "product_id": nil, "query": "red \"shoes\""}
	case kind < 4:
		return map[string]any{"event_type": "page", "product_id": nil, "page_url": "https://shop.example/?a=1&b=<2>"}
	case kind < 5+salesOf(product):
		return map[string]any{"event_type": "purchase", "order_id": fmt.Sprintf("o-%d", c.IntN(1_000_000)), "quantity": 1 + c.IntN(3)}
	case kind < 20:
		return map[string]any{"event_type": "add_to_cart", "properties": json.RawMessage(`{"size": 42, "gift":true}`)}
	case kind < 30:
		return map[string]any{"source": "torture", "properties": json.RawMessage(`{"list":["a","b"]}`), "position": c.IntN(9)}
	}
	return nil
}

// salesOf lets some of the products on sale sell well, so that their windows
// qualify for a while and then no longer.
func salesOf(product string) int {
	switch product {
	case "p-0", "p-1":
		return 1
	case "p-2", "p-3", "p-4", "p-5":
		return 0
	}
	return 3
}

// invalid is a record that breaks a rule.
func invalid(c chance, fields map[string]any, key string) *kgo.Record {
	switch c.IntN(8) {
	case 0:
		return &kgo.Record{Key: []byte(key), Value: []byte(`{"event_id":"cut off`)}
	case 1:
		return &kgo.Record{Key: []byte(key), Value: []byte{0xff, 0xfe, byte(c.IntN(256)), 0}}
	case 2:
		return &kgo.Record{Value: []byte(fmt.Sprintf("%d is a number", c.IntN(1000)))}
	case 3:
		delete(fields, "timestamp")
	case 4:
		fields["price"] = -1
	case 5:
		fields["event_type"] = "Not Snake"
	case 6:
		fields["timestamp"] = "1999-12-31T23:59:59.999Z"
	case 7:
		key = "another-" + key
	}
	value, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Key: []byte(key), Value: value}
}
