package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/rows"
)

// What a record of the log is.
const (
	kindEvent uint8 = iota
	kindInvalid
	kindTick
)

// A block is sent when it has so many rows or bytes.
const (
	blockRows  = 100_000
	blockBytes = 48 << 20
)

// readLog puts the log, from its beginning up to the fixed end, into the table.
func (v *verification) readLog(ctx context.Context) error {
	client, err := v.Warehouse.Dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	b := newBlock()
	send := func() error {
		if b.events.Rows() == 0 {
			return nil
		}
		err := warehouse.Do(ctx, client, ch.Query{Body: b.input.Into(v.table), Input: b.input})
		if err != nil {
			return fmt.Errorf("store %d records of the log as read: %w", b.events.Rows(), err)
		}
		b.reset()
		return nil
	}
	partitions := int32(len(v.ends))
	err = v.Broker.ReadLog(ctx, v.topics.Events, v.starts, v.ends, func(r *kgo.Record) error {
		b.add(r, partitions)
		if b.events.Rows() >= blockRows || b.bytes >= blockBytes {
			return send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return send()
}

// block is rows on their way.
type block struct {
	decoder event.Decoder
	event   event.Event
	events  *rows.Events
	kind    proto.ColUInt8
	after   proto.ColInt64
	quiet   proto.ColInt64
	bytes   int
	input   proto.Input
}

func newBlock() *block {
	b := &block{events: rows.NewEvents()}
	b.input = append(append(b.input, b.events.Input()...),
		proto.InputColumn{Name: "kind", Data: &b.kind},
		proto.InputColumn{Name: "after", Data: &b.after},
		proto.InputColumn{Name: "quiet_ms", Data: &b.quiet})
	return b
}

func (b *block) reset() {
	b.events.Reset()
	b.kind.Reset()
	b.after.Reset()
	b.quiet.Reset()
	b.bytes = 0
}

func (b *block) add(r *kgo.Record, partitions int32) {
	rec := broker.EventRecord(r)
	var tick event.Tick
	kind := kindEvent
	if r.Value == nil {
		var ok bool
		if tick, ok = broker.ParseTick(r); !ok {
			return
		}
		kind, b.event = kindTick, event.Event{}
	} else if err := b.decoder.ReadRecord(rec, partitions, &b.event); err != nil {
		kind, b.event = kindInvalid, event.Event{Properties: string(r.Value)}
	}
	b.events.Append(&b.event, r.Partition, r.Offset, rec.Received)
	b.kind = append(b.kind, kind)
	b.after = append(b.after, tick.After)
	b.quiet = append(b.quiet, int64(tick.Quiet))
	b.bytes += len(r.Value) + 128
}

// missing names the partitions that are not stored up to ends.
func (v *verification) missing(ctx context.Context, topic string, ends broker.Offsets) string {
	stored, err := v.Warehouse.Stored(ctx, v.Broker, topic)
	if err != nil {
		return "partitions that could not be asked for: " + err.Error()
	}
	var text []string
	for _, p := range partitionsOf(ends) {
		if c := stored[p]; c < ends[p] {
			text = append(text, fmt.Sprintf("partition %d at %d of %d", p, c, ends[p]))
		}
	}
	return strings.Join(text, ", ")
}
