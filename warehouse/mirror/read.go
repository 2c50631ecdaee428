package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// scratch is what reading uses again for each record.
type scratch struct {
	decoder event.Decoder
	event   event.Event
}

// read fills batches until ctx ends, and hands the last one over too.
func (r *run) read(ctx context.Context) error {
	defer close(r.toCommit)
	defer close(r.toWrite)
	defer func() {
		// After an error the last batch is not handed over: leaving the group
		// must not try to. It is read again.
		r.mu.Lock()
		r.open = nil
		r.mu.Unlock()
	}()
	var s scratch
	for ctx.Err() == nil {
		fetches := r.poll(ctx)
		for _, e := range fetches.Errors() {
			switch broker.Classify(e.Err) {
			case broker.Invalid, broker.Fatal:
				return fmt.Errorf("read topic %s-%d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		var err error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if err == nil {
				err = r.add(ctx, &s, p.Topic, p.Partition, p.Records)
			}
		})
		if err == nil {
			err = r.endOfPoll()
		}
		r.cl.AllowRebalance()
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				break
			}
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seal()
	return nil
}

// poll waits for records until the batch that is being filled is due.
func (r *run) poll(ctx context.Context) kgo.Fetches {
	r.mu.Lock()
	due := time.Now().Add(r.cfg.BatchDelay)
	if r.open != nil {
		due = r.open.due
	}
	r.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	return r.cl.PollFetches(ctx)
}

// endOfPoll hands the batch over if it is due.
func (r *run) endOfPoll() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil && !time.Now().Before(r.open.due) {
		r.seal()
	}
	return r.failed
}

// seal hands the batch over. The channels have room for every batch there is.
// The caller holds the lock.
func (r *run) seal() {
	if r.open == nil {
		return
	}
	r.newest = r.open.finished
	r.toWrite <- r.open
	r.toCommit <- r.open
	r.open = nil
}

// batch returns the batch to fill, and waits for a free one. No partition
// changes hands meanwhile: a poll is not over.
func (r *run) batch(ctx context.Context) (*batch, error) {
	if r.open != nil {
		return r.open, nil
	}
	select {
	case b := <-r.free:
		b.begin(time.Now().Add(r.cfg.BatchDelay))
		r.mu.Lock()
		r.open = b
		r.mu.Unlock()
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add puts the records of a partition into batches. It has to be ours: the
// client hands out none of a partition that was revoked, or before it was
// assigned, and no rebalance runs between a poll and its end.
func (r *run) add(ctx context.Context, s *scratch, topic string, partition int32, records []*kgo.Record) error {
	r.mu.Lock()
	owner, failed := r.owned[topicPartition{topic, partition}], r.failed
	r.mu.Unlock()
	switch {
	case len(records) == 0:
		return nil
	case failed != nil:
		return failed // the reason why assigned has taken no more partitions
	case owner == nil:
		return fmt.Errorf("read topic %s-%d: records from offset %d on came for a partition that is not assigned: start the mirror again, it continues from its last commit",
			topic, partition, records[0].Offset)
	}
	for len(records) > 0 {
		b, err := r.batch(ctx)
		if err != nil {
			return err
		}
		n := 0
		for n < len(records) && b.rows() < r.cfg.BatchRows && b.bytes < batchBytes {
			r.append(b, s, records[n])
			n++
		}
		tp := topicPartition{topic, partition}
		read, begun := b.spans[tp]
		if !begun {
			read = span{first: records[0].Offset, owner: owner}
		}
		read.next = records[n-1].Offset + 1
		b.spans[tp] = read
		records = records[n:]
		if b.rows() >= r.cfg.BatchRows || b.bytes >= batchBytes {
			r.mu.Lock()
			r.seal()
			r.mu.Unlock()
		}
	}
	return nil
}

// append adds one record. One without a value only moves the offset on.
func (r *run) append(b *batch, s *scratch, rec *kgo.Record) {
	if rec.Value == nil || rec.Attrs.IsControl() {
		b.skipped++
		return
	}
	b.bytes += len(rec.Key) + len(rec.Value) + 128
	in := broker.EventRecord(rec)
	var err error
	switch rec.Topic {
	case r.topics.Events:
		err = s.decoder.ReadRecord(in, r.partitions, &s.event)
		if err == nil {
			b.events.Append(&s.event, rec.Partition, rec.Offset, in.Received)
			return
		}
	case r.topics.Alerts:
		var a event.Alert
		if a, err = event.DecodeAlert(rec.Value); err == nil {
			b.alerts.Append(&a, rec.Partition, rec.Offset, in.Received)
			return
		}
	default:
		rejected := broker.ParseRejected(rec)
		b.rejected.Append(&rejected, rec.Partition, rec.Offset, in.Received)
		return
	}
	rejected := event.Rejected{Key: rec.Key, Value: rec.Value, Origin: broker.TopicOrigin(rec)}
	if rejection, ok := errors.AsType[*event.Rejection](err); ok {
		rejected.Rejection = *rejection
	}
	b.invalid = append(b.invalid, rejected)
}
