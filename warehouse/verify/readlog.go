package verify

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/murmur3"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// A block is sent when it has so many rows or bytes.
const (
	blockRows  = 50_000
	blockBytes = 16 << 20
)

// maxSpan is how many offsets of a partition are held at a time, and spans how
// many of all partitions together.
const (
	maxSpan = 64 << 10
	spans   = 1 << 20
)

// reading is the log beside the rows that come of it, in the order of offsets.
type reading struct {
	v      *verification
	client *ch.Client
	parts  map[int32]*position
	span   int64

	rest    *restBlock
	wrong   *wrongBlock
	ticks   *tickBlock
	changes *changeBlock
	text    []byte // value and key of a record

	read int64 // records
}

// position is where the reading is in a partition.
type position struct {
	partition int32
	lastValue int64 // offset of the last record with a value
	end       int64 // rows before it are in rows, or done
	rows      storedRows
	next      int // of rows
}

// storedRows are rows of a span of offsets, in their order.
type storedRows struct {
	offsets  proto.ColInt64
	received proto.ColInt64
	hashes   proto.ColFixedStr16
}

// readLog compares each record with the row from its place and keeps those that
// no row repeats.
func (v *verification) readLog(ctx context.Context) error {
	r := &reading{v: v, client: v.client, parts: make(map[int32]*position), rest: newRestBlock(), wrong: newWrongBlock(), ticks: newTickBlock(), changes: newChangeBlock()}
	r.span = min(maxSpan, max(1024, spans/int64(len(v.ends))))
	total := int64(0)
	done := int64(0)
	for p, end := range v.ends {
		next := min(v.state.next[p], end)
		r.parts[p] = &position{partition: p, lastValue: v.state.lastValues[p], end: next}
		total += end - min(v.begins[p], end)
		done += next - min(v.begins[p], end)
	}
	v.step("comparing the log with the table", total)
	v.advance(done)
	err := v.Broker.ReadLog(ctx, v.topics.Events, v.state.next, v.ends, func(rec *kgo.Record) error { return r.record(ctx, rec) })
	if err != nil {
		return err
	}
	for _, p := range partitionsOf(v.ends) {
		if err := r.passTo(ctx, r.parts[p], v.ends[p]); err != nil {
			return err
		}
	}
	maps.Copy(v.state.next, v.ends)
	return r.flush(ctx)
}

// save keeps how far the reading has come.
func (r *reading) save(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.v.save(ctx)
}

// record compares one record.
func (r *reading) record(ctx context.Context, rec *kgo.Record) error {
	r.read++
	if every := min(8192, saveAfter); r.read%every == 0 {
		r.v.advance(every)
	}
	if r.read%saveAfter == 0 {
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	pos := r.parts[rec.Partition]
	if err := r.passTo(ctx, pos, rec.Offset); err != nil {
		return err
	}
	if err := r.compare(ctx, pos, rec); err != nil {
		return err
	}
	r.v.state.next[rec.Partition], r.v.state.lastValues[rec.Partition] = rec.Offset+1, pos.lastValue
	rec.Recycle() // what is needed of it is in a block
	return r.flushFull(ctx)
}

// compare compares it with the rows from its place.
func (r *reading) compare(ctx context.Context, pos *position, rec *kgo.Record) error {
	if rec.Value == nil {
		if tick, ok := broker.ParseTick(rec); ok && tick.After == pos.lastValue {
			r.ticks.add(rec.Partition, rec.Offset, int64(tick.Quiet))
		} else if change, ok := broker.ParseRules(rec); ok {
			r.changes.add(rec.Partition, rec.Offset, change.Hash)
		}
		return nil
	}
	pos.lastValue = rec.Offset
	if err := r.load(ctx, pos, rec.Offset); err != nil {
		return err
	}
	matched, stored := false, false
	r.text = append(append(r.text[:0], rec.Value...), rec.Key...)
	received := rec.Timestamp.UnixMilli()
	for ; pos.next < len(pos.rows.offsets) && pos.rows.offsets[pos.next] == rec.Offset; pos.next++ {
		hash := textHash(r.text)
		switch {
		case !matched && pos.rows.hashes[pos.next] == hash && pos.rows.received[pos.next] == received:
			matched = true
		case !matched && !stored:
			// It is compared column by column, unless another row is right.
			stored = true
		default:
			r.wrong.add(rec.Partition, rec.Offset, pos.rows.hashes[pos.next])
		}
	}
	if matched {
		r.v.state.matched++
		if stored {
			r.wrongBeside(pos, rec.Offset, textHash(r.text))
		}
		return nil
	}
	r.rest.add(rec, received, stored)
	return nil
}

// wrongBeside notes the rows of an offset that are not the one with this hash.
func (r *reading) wrongBeside(pos *position, offset int64, hash [16]byte) {
	for i := pos.next - 1; i >= 0 && pos.rows.offsets[i] == offset; i-- {
		if pos.rows.hashes[i] != hash {
			r.wrong.add(pos.partition, offset, pos.rows.hashes[i])
		}
	}
}

// textHash is ClickHouse's murmurHash3_128.
func textHash(text []byte) (hash [16]byte) {
	h1, h2 := murmur3.Sum128(text)
	for i := range 8 {
		hash[i], hash[8+i] = byte(h1>>(8*i)), byte(h2>>(8*i))
	}
	return hash
}

// passTo passes over the rows before an offset: the log has no record there, or
// none that can be read any more.
func (r *reading) passTo(ctx context.Context, pos *position, offset int64) error {
	for {
		for ; pos.next < len(pos.rows.offsets) && pos.rows.offsets[pos.next] < offset; pos.next++ {
			if at := pos.rows.offsets[pos.next]; !r.v.Broker.PassesOver(r.v.topics.Events, pos.partition, at) {
				r.wrong.add(pos.partition, at, pos.rows.hashes[pos.next])
			}
		}
		if pos.end >= offset {
			return r.flushFull(ctx)
		}
		if err := r.load(ctx, pos, pos.end); err != nil {
			return err
		}
	}
}

// load gets the rows of the next offsets, if those that are there do not reach
// beyond offset.
func (r *reading) load(ctx context.Context, pos *position, offset int64) error {
	if offset < pos.end {
		return nil
	}
	var block storedRows
	pos.rows.offsets, pos.rows.received, pos.rows.hashes = pos.rows.offsets[:0], pos.rows.received[:0], pos.rows.hashes[:0]
	pos.next = 0
	to := min(pos.end+r.span, max(r.v.ends[pos.partition], pos.end+1))
	err := warehouse.Do(ctx, r.client, ch.Query{
		Body: fmt.Sprintf("SELECT kafka_offset, received, text_hash FROM %s WHERE kafka_partition = %d AND kafka_offset >= %d AND kafka_offset < %d ORDER BY kafka_offset SETTINGS max_threads = 1",
			r.v.tables.name("stored"), pos.partition, pos.end, to),
		Result: proto.Results{{Name: "kafka_offset", Data: &block.offsets}, {Name: "received", Data: &block.received}, {Name: "text_hash", Data: &block.hashes}},
		OnResult: func(context.Context, proto.Block) error {
			pos.rows.offsets = append(pos.rows.offsets, block.offsets...)
			pos.rows.received = append(pos.rows.received, block.received...)
			pos.rows.hashes = append(pos.rows.hashes, block.hashes...)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("read the rows of partition %d from offset %d: %w", pos.partition, pos.end, err)
	}
	pos.end = to
	return nil
}

func (r *reading) flushFull(ctx context.Context) error {
	if r.rest.full() || max(len(r.wrong.offset), len(r.ticks.offset), len(r.changes.offset)) >= blockRows {
		return r.flush(ctx)
	}
	return nil
}

func (r *reading) flush(ctx context.Context) error {
	for _, b := range []struct {
		table string
		input proto.Input
		reset func()
	}{{"rest", r.rest.input, r.rest.reset}, {"wrong", r.wrong.input, r.wrong.reset}, {"ticks", r.ticks.input, r.ticks.reset}, {"changes", r.changes.input, r.changes.reset}} {
		if b.input[0].Data.Rows() == 0 {
			continue
		}
		if err := warehouse.Do(ctx, r.client, ch.Query{Body: b.input.Into(r.v.tables.name(b.table)), Input: b.input}); err != nil {
			return fmt.Errorf("store %d records to compare: %w", b.input[0].Data.Rows(), err)
		}
		b.reset()
	}
	return nil
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
