package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Batch begins a group of records that are waited for together, apart from
// what others send through the same Producer.
func (p *Producer) Batch() *Batch { return &Batch{p: p} }

// settlingBatch is a Batch whose owner calls settle where others call Wait: an
// event that the broker refuses fails no other.
func (p *Producer) settlingBatch() *Batch { return &Batch{p: p, settles: true} }

// requestBatch is a settlingBatch whose Append and Reject return errBufferFull
// where others wait for room.
func (p *Producer) requestBatch() *Batch { return &Batch{p: p, settles: true, noWait: true} }

// Batch is a group of records under way. It may be used by several goroutines
// at once, and again after Wait.
type Batch struct {
	p               *Producer
	settles, noWait bool

	open       atomic.Int64                // handed over and not answered yet
	acked      atomic.Int64                // events
	ackedOther atomic.Int64                // rejected records
	failed     atomic.Pointer[batchFailed] // the first since the last Wait
	anyRefused atomic.Bool                 // refused is not empty
	appended   *ranges                     // if not nil, where acknowledged events are

	mu      sync.Mutex
	idle    chan struct{} // closed when open gets to 0; made by a waiter
	refused []refusedEvent
}

// place says where in its batch an event comes from, for its rejection.
type place struct {
	file     string // empty where the batch has one source
	index    int64  // in the file, or of the caller's choice
	nth      int64  // among several events of a line
	original []byte // the event as it came, if the caller does not keep it
}

// next is the place of an event of a line that is read after p's.
func (p place) next(line int64) place {
	n := place{file: p.file, index: line}
	if line == p.index {
		n.nth = p.nth + 1
	}
	return n
}

// refusedEvent is an event that the broker says it will never take.
type refusedEvent struct {
	place
	rec kgo.Record
	err error
}

type batchFailed struct{ err error }

// outgoing is a record with its buffer; they are reused after the answer.
type outgoing struct {
	p     *Producer
	batch *Batch
	rec   kgo.Record
	buf   []byte
	size  int64 // taken of the room
	place place // its original is in buf
	event bool
	done  func(*kgo.Record, error)
}

// verifyFrom is the length of Properties from which on they could be nested
// deeper than the log's readers take.
const verifyFrom = 100

// Append is as Producer.Append.
func (b *Batch) Append(ctx context.Context, e *event.Event) error { return b.append(ctx, e, place{}) }

func (b *Batch) append(ctx context.Context, e *event.Event, from place) error {
	received := b.p.stamp()
	o := b.p.pool.Get().(*outgoing)
	var key int
	var err error
	if o.buf, key, err = encode(o.buf[:0], e, received); err != nil {
		b.p.pool.Put(o)
		return err
	}
	return b.sendEvent(ctx, o, key, received, from)
}

// appendEncoded appends an event that encode has encoded.
func (b *Batch) appendEncoded(ctx context.Context, encoded []byte, key int, from place) error {
	o := b.p.pool.Get().(*outgoing)
	o.buf = append(o.buf[:0], encoded...)
	return b.sendEvent(ctx, o, key, b.p.stamp(), from)
}

// sendEvent sends the event in o.buf, of which the first bytes are its key.
func (b *Batch) sendEvent(ctx context.Context, o *outgoing, key int, received event.Millis, from place) error {
	end := len(o.buf)
	o.buf = append(o.buf, from.original...)
	o.place = place{from.file, from.index, from.nth, o.buf[end:]}
	o.rec = kgo.Record{
		Topic: b.p.topics.Events, Partition: event.Partition(string(o.buf[:key]), b.p.partitions),
		Key: o.buf[:key:key], Value: o.buf[key:end:end], Timestamp: received.Time(),
	}
	return b.send(ctx, o, true)
}

// encode appends an event's key and value as they are on the log, and returns
// the length of the key. An event that is invalid when it is received then is a
// *event.Rejection.
func encode(dst []byte, e *event.Event, received event.Millis) (encoded []byte, key int, err error) {
	if err := e.Validate(received); err != nil {
		return dst, 0, err
	}
	k := e.Key()
	if !utf8.ValidString(k) {
		return dst, 0, &event.Rejection{Reason: event.ReasonBadEncoding, Message: "the event's key is not UTF-8"}
	}
	from := len(dst)
	dst = e.AppendJSON(append(dst, k...))
	return dst, len(k), checkValue(dst[from+len(k):], e)
}

// checkValue catches what only shows in the encoded event: escapes make text
// longer, and folding unknown fields nests them one level deeper.
func checkValue(value []byte, e *event.Event) error {
	if len(value) <= event.MaxValue && len(e.Properties) < verifyFrom {
		return nil
	}
	var d event.Decoder
	var again event.Event
	return d.Decode(value, &again)
}

// Reject is as Producer.Reject.
func (b *Batch) Reject(ctx context.Context, l event.Rejected) error {
	o := b.p.pool.Get().(*outgoing)
	o.rec = *broker.RejectedRecord(b.p.topics.Rejected, b.p.rejected.Load(), l)
	// The caller may use its buffers again.
	o.buf = append(append(o.buf[:0], o.rec.Key...), o.rec.Value...)
	if key := len(o.rec.Key); o.rec.Key != nil {
		o.rec.Key = o.buf[:key:key]
	}
	o.rec.Value = o.buf[len(o.rec.Key):]
	o.place = place{}
	return b.send(ctx, o, false)
}

func (b *Batch) send(ctx context.Context, o *outgoing, isEvent bool) error {
	if f := b.failed.Load(); f != nil {
		b.p.pool.Put(o)
		return f.err
	}
	o.size = recordSize + int64(len(o.buf))
	for _, h := range o.rec.Headers {
		o.size += int64(len(h.Key) + len(h.Value))
	}
	if err := b.takeRoom(ctx, o.size); err != nil {
		b.p.pool.Put(o)
		return err
	}
	b.open.Add(1)
	o.batch, o.event = b, isEvent
	b.p.cl.Produce(context.Background(), &o.rec, o.done)
	return nil
}

func (b *Batch) takeRoom(ctx context.Context, size int64) error {
	if b.p.room.take(size) {
		return nil
	}
	if b.noWait {
		return errBufferFull
	}
	if err := b.p.room.wait(ctx, size); err != nil {
		return fmt.Errorf("wait for room in the producer's buffer: %w", err)
	}
	return nil
}

func (o *outgoing) acknowledged(_ *kgo.Record, err error) {
	b := o.batch
	switch {
	case b.settles && o.event && broker.Classify(err) == broker.Invalid:
		rec := kgo.Record{Topic: o.rec.Topic, Partition: o.rec.Partition, Key: o.rec.Key, Value: o.rec.Value, Timestamp: o.rec.Timestamp}
		b.mu.Lock()
		b.refused = append(b.refused, refusedEvent{o.place, rec, err})
		b.mu.Unlock()
		b.anyRefused.Store(true)
		o.buf = nil // the refused event's now
	case err != nil:
		b.failed.CompareAndSwap(nil, &batchFailed{appendError(o.rec.Topic, err)})
	case o.event:
		b.acked.Add(1)
		if b.appended != nil {
			b.appended.add(o.rec.Partition, o.rec.Offset)
		}
	default:
		b.ackedOther.Add(1)
	}
	b.p.room.give(o.size)
	o.batch, o.rec, o.place = nil, kgo.Record{}, place{}
	// One huge record must not stay in memory for good.
	if cap(o.buf) > event.MaxValue {
		o.buf = nil
	}
	o.p.pool.Put(o)
	if b.open.Add(-1) == 0 {
		b.mu.Lock()
		if b.idle != nil {
			close(b.idle)
			b.idle = nil
		}
		b.mu.Unlock()
	}
}

func appendError(topic string, err error) error {
	if errors.Is(err, kerr.MessageTooLarge) {
		return fmt.Errorf("append to topic %s: raise its max.message.bytes, or the broker's: %w", topic, err)
	}
	return fmt.Errorf("append to topic %s: %w", topic, err)
}

// Wait waits until every record of the batch is answered and returns the
// first error since the Wait before. When ctx ends first, what is under way
// may still get onto the log.
func (b *Batch) Wait(ctx context.Context) error {
	for b.open.Load() > 0 {
		// Whoever brings open to 0 looks for idle after that; so idle is made
		// before open is looked at again. It may be closed for an earlier 0,
		// with more handed over since: only open tells.
		b.mu.Lock()
		if b.idle == nil {
			b.idle = make(chan struct{})
		}
		idle := b.idle
		b.mu.Unlock()
		if b.open.Load() == 0 {
			break
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("wait for the broker's acknowledgement: %w", errors.Join(ctx.Err(), b.takeError()))
		}
	}
	err := b.takeError()
	if n := b.p.cl.Recreated(ctx, b.p.topics.Rejected, err); n > 0 {
		b.p.rejected.Store(n)
	}
	return err
}

// settle waits until every record of the batch is answered, as Wait does. The
// events that the broker refused are sent again, for they may have been refused
// because of another that was sent with them; reject is called for one that is
// refused by itself, and what it rejects is waited for too.
func (b *Batch) settle(ctx context.Context, reject func(place, event.Rejection) error) error {
	if err := b.Wait(ctx); err != nil {
		return err
	}
	if err := b.resendHalves(ctx, b.takeRefused(), reject); err != nil {
		return errors.Join(err, b.Wait(ctx))
	}
	return b.Wait(ctx)
}

// resendHalves sends events again in two groups, those that are still refused
// in smaller ones, and so on: to find one among thousands takes a few tries, not
// one for each of them.
func (b *Batch) resendHalves(ctx context.Context, refused []refusedEvent, reject func(place, event.Rejection) error) error {
	half := len(refused) / 2
	for _, group := range [][]refusedEvent{refused[:half], refused[half:]} {
		for _, r := range group {
			if err := b.resend(ctx, r); err != nil {
				return err
			}
		}
		if err := b.Wait(ctx); err != nil {
			return err
		}
		again := b.takeRefused()
		if len(group) > 1 {
			if err := b.resendHalves(ctx, again, reject); err != nil {
				return err
			}
			continue
		}
		for _, r := range again {
			bad := event.Rejection{Reason: event.ReasonRefused, Message: "the broker does not take the event: " + r.err.Error()}
			if err := reject(r.place, bad); err != nil {
				return err
			}
		}
	}
	return nil
}

// resend sends a refused event again, with the time of its receipt.
func (b *Batch) resend(ctx context.Context, r refusedEvent) error {
	o := b.p.pool.Get().(*outgoing)
	o.buf = slices.Concat(r.rec.Key, r.rec.Value, r.original)
	end := len(r.rec.Key) + len(r.rec.Value)
	o.rec, o.place = r.rec, place{r.file, r.index, r.nth, o.buf[end:]}
	o.rec.Key, o.rec.Value = o.buf[:len(r.rec.Key)], o.buf[len(r.rec.Key):end]
	return b.send(ctx, o, true)
}

// takeRefused returns the events that the broker refused, once all is answered.
func (b *Batch) takeRefused() []refusedEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	refused := b.refused
	b.refused = nil
	b.anyRefused.Store(false)
	return refused
}

func (b *Batch) takeError() error {
	if f := b.failed.Swap(nil); f != nil {
		return f.err
	}
	return nil
}

// counts says how many events and rejected records have been acknowledged.
func (b *Batch) counts() (events, rejected int64) {
	return b.acked.Load(), b.ackedOther.Load()
}
