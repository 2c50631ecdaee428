package brokertest

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Events returns the events on cl's log, all of which have to be valid.
func Events(t testing.TB, cl *broker.Client) []event.Event {
	t.Helper()
	var d event.Decoder
	var events []event.Event
	read(t, cl, cl.Topics().Events, func(r *kgo.Record) {
		var e event.Event
		if err := d.ReadRecord(broker.EventRecord(r), broker.DefaultPartitions, &e); err != nil {
			t.Errorf("the record at %d-%d is not valid: %v: %s", r.Partition, r.Offset, err, r.Value)
		}
		events = append(events, e)
	})
	return events
}

// Rejected returns what is on cl's rejected topic.
func Rejected(t testing.TB, cl *broker.Client) []event.Rejected {
	t.Helper()
	var rejected []event.Rejected
	read(t, cl, cl.Topics().Rejected, func(r *kgo.Record) {
		rejected = append(rejected, broker.ParseRejected(r))
	})
	return rejected
}

// read reads a topic from its start to its present end.
func read(t testing.TB, cl *broker.Client, topic string, fn func(*kgo.Record)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends, err := cl.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error { fn(r); return nil }); err != nil {
		t.Fatal(err)
	}
}
