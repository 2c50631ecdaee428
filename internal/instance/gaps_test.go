package instance

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
)

// views writes views of one product, a second apart, and returns their partition.
func views(t *testing.T, p *Pipeline, from, to int) int32 {
	t.Helper()
	var records []*kgo.Record
	for n := from; n < to; n++ {
		e := event.Event{
			ID: fmt.Sprint("e", n), Type: event.TypeView, Timestamp: event.MillisOf(time.Now().Add(-time.Hour)) + event.Millis(1000*n),
			UserID: "u", ProductID: "p", Quantity: 1,
		}
		records = append(records, &kgo.Record{Topic: p.Broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
	}
	produce(t, p, records)
	return event.Partition("p", broker.DefaultPartitions)
}

func TestM6_WhatRetentionCutIsRecordedForTheMirrorAndForTheProcessorOnce(t *testing.T) {
	p, rule := testPipeline(t), testRule()
	log := p.Broker.Topics().Events
	r := begin(t, p, rule)
	partition := views(t, p, 0, 100)
	finish(t, p, r, rule)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	commits, err := p.Broker.CommittedOffsets(t.Context(), p.Broker.Group("processor"), log)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := p.Warehouse.Stored(t.Context(), p.Broker, log)
	if err != nil {
		t.Fatal(err)
	}
	views(t, p, 100, 200)
	brokertest.Cut(t, p.Broker, log, broker.Offsets{partition: 150})
	from := map[string]int64{"mirror": stored[partition], "processor": commits[partition].Offset}
	for range 2 {
		r = begin(t, p, rule)
		finish(t, p, r, rule)
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		gaps, err := p.Warehouse.Gaps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int64{}
		for _, g := range gaps {
			found[g.NoticedBy] = g.From
			if g.Topic != log || g.Partition != partition || g.To != 150 || g.Reason != broker.Retention {
				t.Errorf("recorded is %+v", g)
			}
		}
		if len(gaps) != 2 || !maps.Equal(found, from) {
			t.Errorf("recorded are gaps from %v, want %v each once: %+v", found, from, gaps)
		}
	}
}
