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
	partitions int32        // of the log
	rejected   atomic.Int32 // partitions of the rejected topic
	quorum     int          // in-sync replicas that the log's partitions need, as far as is known
	room       *room        // for what is under way
	pool       sync.Pool
	all        *Batch
	now        func() time.Time
	stamped    atomic.Int64 // the latest stamp, in milliseconds
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
	p := &Producer{cl: cl, log: log, topics: cl.Topics(), room: newRoom(bufferSize), now: time.Now}
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
	p.partitions = id.Partitions
	p.rejected.Store(id.RejectedPartitions)
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

// stamp is when an event that is appended now is received. A clock that is set
// back does not take it back: on a broker that keeps the producer's time the
// receive times of a log would go back with it.
func (p *Producer) stamp() event.Millis {
	now := p.now().UnixMilli()
	for {
		latest := p.stamped.Load()
		if now <= latest {
			return event.Millis(latest)
		}
		if p.stamped.CompareAndSwap(latest, now) {
			return event.Millis(now)
		}
	}
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
