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

// longestPoll bounds a poll that waits for a writer.
const longestPoll = time.Second

// scratch is what reading uses again for each record.
type scratch struct {
	decoder event.Decoder
	event   event.Event
}

// chunk is records of a partition that were read together.
type chunk struct {
	topicPartition
	owner   *ownership
	records []*kgo.Record
}

// read fills batches until ctx ends or an error comes that waiting does not help
// against. What it has read by then is handed over, and stored before Run ends.
func (r *run) read(ctx context.Context) (err error) {
	defer close(r.toCommit)
	defer close(r.toWrite)
	var s scratch
	for ctx.Err() == nil && err == nil {
		var chunks []chunk
		chunks, err = r.claim(r.passOver(ctx, r.poll(ctx)))
		// From here on partitions may change hands: nothing is polled while
		// ClickHouse is slow, and no rebalance waits for it.
		r.cl.AllowRebalance()
		for _, c := range chunks {
			if stopped := r.add(ctx, &s, c); stopped != nil {
				break
			}
		}
		r.mu.Lock()
		r.sealIfDue()
		if err == nil {
			err = r.failed
		}
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seal()
	return err
}

// poll waits for records until the batch that is being filled is due.
func (r *run) poll(ctx context.Context) kgo.Fetches {
	r.mu.Lock()
	due := time.Now().Add(r.cfg.BatchDelay)
	if r.open != nil {
		due = r.open.due
		if r.busy >= writers {
			due = time.Now().Add(longestPoll) // or until a writer interrupts
		}
	}
	ctx, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	r.interrupt = cancel
	r.mu.Unlock()
	return r.cl.PollFetches(ctx)
}

// claim says whose the records are that were read. Their partitions have to be
// ours: the client hands out none of a partition that was revoked, or before it
// was assigned, and no rebalance runs before it is allowed.
func (r *run) claim(fetches kgo.Fetches) (chunks []chunk, err error) {
	for _, e := range fetches.Errors() {
		if stops(e.Err) && e.Topic != "" { // else it is the client's
			continue // passOver has seen it
		}
		switch broker.Classify(e.Err) {
		case broker.Invalid, broker.Fatal:
			err = errors.Join(err, fmt.Errorf("read topic %s-%d: %w", e.Topic, e.Partition, e.Err))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		tp := topicPartition{p.Topic, p.Partition}
		owner := r.owned[tp]
		if owner != nil {
			chunks = append(chunks, chunk{tp, owner, p.Records})
			owner.next = p.Records[len(p.Records)-1].Offset + 1
			return
		}
		if r.failed == nil { // which is why assigned has taken no more partitions
			err = errors.Join(err, fmt.Errorf("read topic %s-%d: records from offset %d on came for a partition that is not assigned: start the mirror again, it continues from its last commit",
				p.Topic, p.Partition, p.Records[0].Offset))
		}
	})
	return chunks, err
}

// add puts the records of a chunk into batches, and waits where all are under
// way. Those of a partition that is given up meanwhile are left out: their next
// owner reads them.
func (r *run) add(ctx context.Context, s *scratch, c chunk) error {
	for len(c.records) > 0 {
		n := r.fill(s, c)
		if n < 0 {
			return nil
		}
		c.records = c.records[n:]
		if n > 0 {
			continue
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fill puts records of a chunk into the open batch until that is full, or the
// chunk or the memory for batches is used up. It returns how many, or -1 when
// the chunk's partition is not ours any more.
func (r *run) fill(s *scratch, c chunk) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.owner.leaving || c.owner.over {
		return -1
	}
	b := r.batch()
	if b == nil {
		return 0
	}
	read, begun := b.spans[c.topicPartition]
	if !begun {
		read = span{first: c.records[0].Offset, owner: c.owner}
	}
	n := 0
	for n < len(c.records) && !b.full(r.cfg.BatchRows) && (c.topic != r.topics.Events || r.block(b)) {
		rec := c.records[n]
		read.next = rec.Offset + 1
		if r.append(b, s, rec) {
			rec.Recycle()
		}
		n++
	}
	if n > 0 {
		b.spans[c.topicPartition] = read
	}
	if b.full(r.cfg.BatchRows) {
		r.seal()
	}
	return n
}

// batch returns the batch to fill, or nil where all are under way. The caller
// holds the lock.
func (r *run) batch() *batch {
	if r.open == nil && len(r.free) > 0 {
		r.open = r.free[len(r.free)-1]
		r.free = r.free[:len(r.free)-1]
		r.open.begin(time.Now().Add(r.cfg.BatchDelay))
	}
	return r.open
}

// block makes sure that b has room for an event. The caller holds the lock.
func (r *run) block(b *batch) bool {
	if !b.needsBlock(min(blockRows, r.cfg.BatchRows)) {
		return true
	}
	next := r.blocks.take()
	if next == nil {
		return false
	}
	b.events, b.inBlock = append(b.events, next), 0
	return true
}

// sealIfDue hands the batch over when it is due and a writer has nothing to do.
// Otherwise it grows on: the fewer and larger the parts, the less ClickHouse has
// to merge. The caller holds the lock.
func (r *run) sealIfDue() {
	if r.open != nil && r.busy < writers && !time.Now().Before(r.open.due) {
		r.seal()
	}
}

// seal hands the batch over. The channels have room for every batch there is.
// The caller holds the lock.
func (r *run) seal() {
	if r.open == nil {
		return
	}
	r.flight = append(r.flight, r.open)
	r.busy++
	r.toWrite <- r.open
	r.toCommit <- r.open
	r.open = nil
}

// append adds one record, and says whether that was all that it is needed for.
// One without a value only moves the offset on.
func (r *run) append(b *batch, s *scratch, rec *kgo.Record) (done bool) {
	if rec.Value == nil || rec.Attrs.IsControl() {
		b.skipped++
		return true
	}
	b.rows++
	in := broker.EventRecord(rec)
	size := len(rec.Key) + len(rec.Value)
	var err error
	switch rec.Topic {
	case r.topics.Events:
		err = s.decoder.ReadRecord(in, r.partitions, &s.event)
		if err == nil {
			b.inBlock += size
			b.events[len(b.events)-1].Append(&s.event, rec.Partition, rec.Offset, in.Received)
			return true
		}
	case r.topics.Alerts:
		var a event.Alert
		if a, err = event.DecodeAlert(rec.Value); err == nil {
			b.other += size
			b.alerts.Append(&a, rec.Partition, rec.Offset, in.Received)
			return true
		}
	default:
		b.other += size
		rejected := broker.ParseRejected(rec)
		b.rejected.Append(&rejected, rec.Partition, rec.Offset, in.Received)
		return true
	}
	b.other += size + 128 // headers say where it comes from
	rejected := event.Rejected{Key: rec.Key, Value: rec.Value, Origin: broker.TopicOrigin(rec)}
	if rejection, ok := errors.AsType[*event.Rejection](err); ok {
		rejected.Rejection = *rejection
	}
	b.invalid = append(b.invalid, rejected)
	return false
}
