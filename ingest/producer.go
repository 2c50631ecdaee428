package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

const (
	// bufferSize bounds what a Producer holds, about 170,000 events.
	bufferSize = 96 << 20
	// recordSize is what a record takes besides its key, value and headers.
	recordSize = 320
	// requestDelivery is longer than a request waits for the acknowledgement,
	// so that no request's records are given up because of an older one's.
	requestDelivery = 10 * time.Second
)

// errBufferFull is what Append and Reject of a batch for requests return when
// the Producer holds as much as it may.
var errBufferFull = errors.New("the producer's buffer is full: the broker takes records more slowly than they come")

// Producer appends events to the log and rejected records to the rejected topic.
// It may be used by several goroutines at once; what it holds in memory is
// bounded. The order of events with one key is the order of their Appends.
type Producer struct {
	cl         *broker.Client
	log        zerolog.Logger
	topics     broker.Topics
	partitions int32 // of the log
	rejected   int32 // partitions of the rejected topic
	quorum     int   // in-sync replicas that the log's partitions need, as far as is known
	room       *room // for what is under way
	pool       sync.Pool
	all        *Batch
}

// NewProducer connects to the broker and creates the topics that are missing.
// The caller closes the Producer.
//
// Records do not wait for others to be sent with, except while earlier ones of
// their broker are under way; and they are tried again until they are
// acknowledged or the Producer is closed. Bulk and ForRequests change that.
//
// No context travels with a record: the records of a partition end in order, so
// one that is given up would take others with it.
func NewProducer(ctx context.Context, shared *broker.Client, log zerolog.Logger, opts ...kgo.Opt) (*Producer, error) {
	// The room bounds what is under way, and the client never makes us wait: its
	// own waiting would need a context that then travels with the record.
	own := []kgo.Opt{kgo.MaxBufferedRecords(math.MaxInt32), kgo.MaxBufferedBytes(math.MaxInt32)}
	cl, err := shared.Open(slices.Concat(broker.ProducerOptions(), own, opts)...)
	if err != nil {
		return nil, fmt.Errorf("open producer: %w", err)
	}
	p := &Producer{cl: cl, log: log, topics: cl.Topics(), room: newRoom(bufferSize)}
	p.pool.New = func() any {
		o := &outgoing{p: p}
		o.done = o.acknowledged
		return o
	}
	p.all = p.Batch()
	if err := p.lookUpTopics(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("open producer: %w", err)
	}
	return p, nil
}

func (p *Producer) lookUpTopics(ctx context.Context) error {
	id, err := p.cl.EnsureTopics(ctx)
	if err != nil {
		return err
	}
	p.partitions, p.rejected = id.Partitions, id.RejectedPartitions
	p.quorum = p.readQuorum(ctx)
	return nil
}

// readQuorum returns the log's min.insync.replicas, or 1 where that may not be
// read: then a broker without quorum shows only in what it does not acknowledge.
func (p *Producer) readQuorum(ctx context.Context) int {
	configs, err := kadm.NewClient(p.cl.Client).DescribeTopicConfigs(ctx, p.topics.Events)
	if err != nil {
		return 1
	}
	for _, topic := range configs {
		for _, c := range topic.Configs {
			if c.Key == "min.insync.replicas" {
				if n, err := strconv.Atoi(c.MaybeValue()); err == nil {
					return n
				}
			}
		}
	}
	return 1
}

// check returns why the log's partitions cannot take records now, or nil.
func (p *Producer) check(ctx context.Context) error {
	details, err := kadm.NewClient(p.cl.Client).ListTopics(ctx, p.topics.Events)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return fmt.Errorf("ask for topic %s: %w", p.topics.Events, err)
	}
	for _, d := range details[p.topics.Events].Partitions {
		if d.Err != nil || d.Leader < 0 {
			return fmt.Errorf("topic %s-%d has no leader: %w", d.Topic, d.Partition, errors.Join(d.Err))
		}
		if len(d.ISR) < p.quorum {
			return fmt.Errorf("topic %s-%d has %d in-sync replicas and needs %d", d.Topic, d.Partition, len(d.ISR), p.quorum)
		}
	}
	return nil
}

// full says whether there is hardly any room left.
func (p *Producer) full() bool { return p.room.free.Load() < p.room.size/64 }

// Bulk is for writing as fast as the broker takes it: records wait up to 100 ms
// for others, for larger batches cost every reader of the log less.
func Bulk() kgo.Opt { return kgo.ProducerLinger(100 * time.Millisecond) }

// ForRequests is for those who have to say soon what became of a record: one
// that is not acknowledged within ten seconds is given up, and with it the
// younger ones of its partition. It may be on the log all the same; writing it
// again is harmless, because the first copy counts.
func ForRequests() kgo.Opt { return kgo.RecordDeliveryTimeout(requestDelivery) }

// Append checks e as received now and hands it over to be sent; it does not
// wait for the acknowledgement (Flush does), but, until ctx ends, for room where
// too much is under way. An invalid event is not sent: the error is then a
// *event.Rejection, and the caller rejects or counts it. Any other error means
// that this event, or one before it, will not get onto the log; it comes
// again until Flush has returned it. e may be reused at once.
func (p *Producer) Append(ctx context.Context, e *event.Event) error { return p.all.Append(ctx, e) }

// Reject hands a rejected record over to be sent to the rejected topic, like Append.
func (p *Producer) Reject(ctx context.Context, l event.Rejected) error {
	return p.all.Reject(ctx, l)
}

// Flush waits until everything given to Append and Reject is acknowledged by
// all in-sync replicas, and returns the first error since the Flush before.
func (p *Producer) Flush(ctx context.Context) error { return p.all.Wait(ctx) }

// Close gives up what is not acknowledged yet: Flush before.
func (p *Producer) Close() { p.cl.Close() }

// Batch begins a group of records that are waited for together, apart from
// what others send through the same Producer.
func (p *Producer) Batch() *Batch { return &Batch{p: p} }

// batchWithoutWaiting is a Batch whose Append and Reject return errBufferFull
// where others wait for room.
func (p *Producer) batchWithoutWaiting() *Batch { return &Batch{p: p, never: true} }

// Batch is a group of records under way. It may be used by several goroutines
// at once, and again after Wait.
type Batch struct {
	p     *Producer
	never bool // waits for room, nor fails for one event that the broker does not take
	index int  // of the event being appended, where that is wanted

	open       atomic.Int64                // handed over and not answered yet
	acked      atomic.Int64                // events
	ackedOther atomic.Int64                // rejected records
	failed     atomic.Pointer[batchFailed] // the first since the last Wait

	mu      sync.Mutex
	idle    chan struct{} // closed when open gets to 0; made by a waiter
	invalid []invalidRecord
}

// invalidRecord is an event of a batch for requests that the broker says it
// will never take.
type invalidRecord struct {
	index int
	err   error
}

type batchFailed struct{ err error }

// outgoing is a record with its buffer; they are reused after the answer.
type outgoing struct {
	p     *Producer
	batch *Batch
	rec   kgo.Record
	buf   []byte
	size  int64 // taken of the room
	index int   // in its batch
	event bool
	done  func(*kgo.Record, error)
}

// verifyFrom is the length of Properties from which on they could be nested
// deeper than the log's readers take.
const verifyFrom = 100

// Append is as Producer.Append.
func (b *Batch) Append(ctx context.Context, e *event.Event) error {
	now := time.Now()
	if err := e.Validate(event.MillisOf(now)); err != nil {
		return err
	}
	key := e.Key()
	if !utf8.ValidString(key) {
		return &event.Rejection{Reason: event.ReasonBadEncoding, Message: "the event's key is not UTF-8"}
	}
	o := b.p.pool.Get().(*outgoing)
	o.buf = append(o.buf[:0], key...)
	o.buf = e.AppendJSON(o.buf)
	value := o.buf[len(key):]
	if err := checkValue(value, e); err != nil {
		b.p.pool.Put(o)
		return err
	}
	o.rec = kgo.Record{
		Topic: b.p.topics.Events, Partition: event.Partition(key, b.p.partitions),
		Key: o.buf[:len(key):len(key)], Value: value, Timestamp: now,
	}
	return b.send(ctx, o, true)
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
	o.rec = *broker.RejectedRecord(b.p.topics.Rejected, b.p.rejected, l)
	// The caller may use its buffers again.
	o.buf = append(append(o.buf[:0], o.rec.Key...), o.rec.Value...)
	if key := len(o.rec.Key); o.rec.Key != nil {
		o.rec.Key = o.buf[:key:key]
	}
	o.rec.Value = o.buf[len(o.rec.Key):]
	return b.send(ctx, o, false)
}

func (b *Batch) send(ctx context.Context, o *outgoing, isEvent bool) error {
	if f := b.failed.Load(); f != nil {
		b.p.pool.Put(o)
		return f.err
	}
	o.size = recordSize + int64(len(o.rec.Key)+len(o.rec.Value))
	for _, h := range o.rec.Headers {
		o.size += int64(len(h.Key) + len(h.Value))
	}
	if err := b.takeRoom(ctx, o.size); err != nil {
		b.p.pool.Put(o)
		return err
	}
	b.open.Add(1)
	o.batch, o.event, o.index = b, isEvent, b.index
	b.p.cl.Produce(context.Background(), &o.rec, o.done)
	return nil
}

func (b *Batch) takeRoom(ctx context.Context, size int64) error {
	if b.p.room.take(size) {
		return nil
	}
	if b.never {
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
	case b.never && o.event && broker.Classify(err) == broker.Invalid:
		b.mu.Lock()
		b.invalid = append(b.invalid, invalidRecord{o.index, err})
		b.mu.Unlock()
	case err != nil:
		b.failed.CompareAndSwap(nil, &batchFailed{fmt.Errorf("append to topic %s: %w", o.rec.Topic, err)})
	case o.event:
		b.acked.Add(1)
	default:
		b.ackedOther.Add(1)
	}
	b.p.room.give(o.size)
	o.batch, o.rec = nil, kgo.Record{}
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
	return b.takeError()
}

// takeInvalid returns the events that the broker did not take for what they
// are, once all is answered.
func (b *Batch) takeInvalid() []invalidRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	invalid := b.invalid
	b.invalid = nil
	return invalid
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
