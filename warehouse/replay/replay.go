// Package replay reads the events that the tables hold in the order of the log,
// for days that the log no longer holds. It only reads.
//
// A later copy of an event may be there or not, and invalid records and ticks are
// not. In windows that does not matter but for an event that was ahead of its
// receive time by more than event.FutureAfter and came again later, and for events
// that came late after a quiet time that only a tick had ended.
package replay

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
	"clickstream/warehouse"
)

//go:embed sql/*.sql
var files embed.FS

// Replay is a part of the table event_log. Several goroutines may read it.
type Replay struct {
	Partitions []Partition // those with rows, in their order

	warehouse *warehouse.Warehouse
	first     event.Millis
}

// Partition is what there is to read of one.
type Partition struct {
	Number int32
	Rows   int64 // about how many there are
	Last   int64 // the last offset that is read
}

// Open finds what the table holds of events from the time first on, in each
// partition up to one of which both the time and the receive time are last or
// later.
func Open(ctx context.Context, w *warehouse.Warehouse, first, last event.Millis) (*Replay, error) {
	r := &Replay{warehouse: w, first: first}
	rows, err := w.Conn().Query(ctx, warehouse.SQL(files, "bounds", nil),
		clickhouse.Named("first", int64(first)), clickhouse.Named("last", int64(last)))
	if err != nil {
		return nil, fmt.Errorf("look which events are stored: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Partition
		if err := rows.Scan(&p.Number, &p.Rows, &p.Last); err != nil {
			return nil, fmt.Errorf("look which events are stored: %w", err)
		}
		r.Partitions = append(r.Partitions, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look which events are stored: %w", err)
	}
	return r, nil
}

// Extent returns how many rows the whole table has, and the times of its first
// and its last event.
func Extent(ctx context.Context, w *warehouse.Warehouse) (rows int64, first, last event.Millis, err error) {
	var from, to int64
	if err := w.Conn().QueryRow(ctx, warehouse.SQL(files, "extent", nil)).Scan(&rows, &from, &to); err != nil {
		return 0, 0, 0, fmt.Errorf("look which events are stored: %w", err)
	}
	return rows, event.Millis(from), event.Millis(to), nil
}

// errEnough ends the reading of a partition.
var errEnough = errors.New("no more is needed")

// Read passes the events of a partition to take, in the order of their offsets,
// until it returns false. A row may come twice. Of an event there are the
// identity, the product and the type; its strings are good until take returns.
func (r *Replay) Read(ctx context.Context, p Partition, take func(e *event.Event, received event.Millis, offset int64) bool) (err error) {
	client, err := r.warehouse.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := client.Close(); err == nil && !errors.Is(closed, ch.ErrClosed) {
			err = closed
		}
	}()
	block := newBlock()
	enough := false
	err = warehouse.Do(ctx, client, ch.Query{
		Body:       warehouse.SQL(files, "events", nil),
		Parameters: ch.Parameters(map[string]any{"partition": p.Number, "first": int64(r.first), "last_offset": p.Last}),
		Result:     block.results(),
		OnResult: func(context.Context, proto.Block) error {
			if enough = !block.pass(take); enough {
				return errEnough
			}
			return nil
		},
	})
	switch {
	case enough:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("read the events of partition %d from the table event_log: %w", p.Number, err)
	}
	return nil
}

// block is the columns of a block of rows.
type block struct {
	offsets, received, times proto.ColInt64
	types                    *proto.ColLowCardinality[string]
	ids, products, otherKeys proto.ColStr
}

func newBlock() *block { return &block{types: new(proto.ColStr).LowCardinality()} }

func (b *block) results() proto.Results {
	return proto.Results{
		{Name: "kafka_offset", Data: &b.offsets}, {Name: "received", Data: &b.received}, {Name: "time", Data: &b.times},
		{Name: "event_type", Data: b.types}, {Name: "event_id", Data: &b.ids}, {Name: "product_id", Data: &b.products}, {Name: "other_key", Data: &b.otherKeys},
	}
}

// pass passes the rows to take, until it returns false.
func (b *block) pass(take func(e *event.Event, received event.Millis, offset int64) bool) bool {
	e := event.Event{Quantity: 1}
	for i, offset := range b.offsets {
		e.Timestamp, e.Type, e.ID, e.ProductID = event.Millis(b.times[i]), b.types.Row(i), b.ids.Row(i), b.products.Row(i)
		// The key of an event without a product is its session or user.
		e.SessionID = b.otherKeys.Row(i)
		if !take(&e, event.Millis(b.received[i]), offset) {
			return false
		}
	}
	return true
}
