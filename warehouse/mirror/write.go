package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/warehouse"
)

const (
	firstWait   = 50 * time.Millisecond
	longestWait = 3 * time.Second
	// A block that ClickHouse cannot take is halved, but not below so many rows.
	leastRows = 100
	// How often an error that continues is logged.
	logEvery = time.Minute
)

// write stores batches until there are no more.
func (r *run) write(ctx context.Context) error {
	w := writer{run: r}
	defer w.disconnect()
	for b := range r.toWrite {
		if err := w.store(ctx, b); err != nil {
			return err
		}
		r.blocks.give(b.events)
		b.events = b.events[:0]
		close(b.stored)
		r.mu.Lock()
		r.busy--
		r.interrupt()
		r.mu.Unlock()
		r.awake()
	}
	return nil
}

// writer is one of the connections to ClickHouse.
type writer struct {
	*run
	conn Connection
}

func (w *writer) disconnect() {
	if w.conn != nil {
		// It is given up because it does not work, or because all is done.
		_ = w.conn.Close()
		w.conn = nil
	}
}

func (w *writer) store(ctx context.Context, b *batch) error {
	if err := w.reject(ctx, b.invalid); err != nil {
		return err
	}
	stored := Stats{Alerts: int64(b.alerts.Rows()), Rejected: int64(b.rejected.Rows()), Invalid: int64(len(b.invalid)), Skipped: b.skipped}
	for _, block := range b.events {
		stored.Events += int64(block.Rows())
	}
	for _, t := range w.tables(b) {
		step := fmt.Sprintf("insert batch %s %s", t.name, b.ranges(t.topic))
		left := newPieces(t.blocks)
		err := w.retry(ctx, step, warehouse.Retriable, func() error { return w.insert(ctx, t.name, left) })
		if err != nil {
			return err
		}
	}
	w.stats.add(func(s *Stats) {
		s.Events += stored.Events
		s.Alerts += stored.Alerts
		s.Rejected += stored.Rejected
		s.Invalid += stored.Invalid
		s.Skipped += stored.Skipped
	})
	return nil
}

// insert stores what is left of a table's rows. Where ClickHouse cannot take
// them at once, it stores them in smaller pieces; what is stored is not sent
// again.
func (w *writer) insert(ctx context.Context, table string, left *pieces) error {
	for !left.done() {
		if w.conn == nil || w.conn.Closed() {
			conn, err := w.cfg.Tables.Connect(ctx)
			if err != nil {
				return err
			}
			w.conn = conn
		}
		err := w.conn.Insert(ctx, table, left.next())
		if err == nil {
			left.stored()
			continue
		}
		w.disconnect()
		if ctx.Err() != nil || !tooLarge(err) || !left.halve() {
			return err
		}
	}
	return nil
}

// tooLarge says whether a smaller INSERT may succeed where this one failed.
func tooLarge(err error) bool {
	return errors.Is(err, errTooSlow) || warehouse.OutOfMemory(err)
}

// reject writes invalid records to the rejected topic and waits until all are
// acknowledged.
func (w *writer) reject(ctx context.Context, invalid []event.Rejected) error {
	if len(invalid) == 0 {
		return nil
	}
	if err := w.checkPartitions(ctx, invalid); err != nil {
		return err
	}
	first, left := invalid[0].Origin, slices.Clone(invalid)
	step := fmt.Sprintf("write %d records, the first of them %s %d/%d, to topic %s", len(left), first.Name, first.Partition, first.Position, w.topics.Rejected)
	return w.retry(ctx, step, waitForTopic, func() (err error) {
		left, err = w.produce(ctx, left)
		if n := w.side.Recreated(ctx, w.topics.Rejected, err); n > 0 {
			w.rejected.Store(n)
		}
		return err
	})
}

// produce writes records to the rejected topic and returns those that are not
// acknowledged in time. They may be written all the same: two copies of one
// rejection are one row.
func (w *writer) produce(ctx context.Context, rejected []event.Rejected) (left []event.Rejected, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.tryTimeout)
	defer cancel()
	type answer struct {
		index int
		err   error
	}
	answers := make(chan answer, len(rejected))
	for i := range rejected {
		w.side.Produce(ctx, broker.RejectedRecord(w.topics.Rejected, w.rejected.Load(), rejected[i]), func(_ *kgo.Record, err error) {
			answers <- answer{i, err}
		})
	}
	acknowledged := make([]bool, len(rejected))
wait: // and not ProduceSync, which waits for a broker that does not answer
	for range rejected {
		select {
		case a := <-answers:
			acknowledged[a.index] = a.err == nil
			if err == nil {
				err = a.err
			}
		case <-ctx.Done():
			err = ctx.Err()
			break wait
		}
	}
	for i := range rejected {
		if !acknowledged[i] {
			left = append(left, rejected[i])
		}
	}
	if len(left) == 0 {
		return nil, nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%d of them are not acknowledged after %s: %w", len(left), w.tryTimeout, err)
	}
	return left, err
}

// checkPartitions makes sure that records with a wrong key are that. Where
// partitions have been added to the log, they may be right for the new number,
// and the mirror stops with the way out instead.
func (r *run) checkPartitions(ctx context.Context, invalid []event.Rejected) error {
	if !slices.ContainsFunc(invalid, func(i event.Rejected) bool { return i.Reason == event.ReasonWrongKey }) {
		return nil
	}
	var now int32
	err := r.retry(ctx, "look up the partitions of topic "+r.topics.Events, waitForTopic, func() (err error) {
		now, err = r.side.Partitions(ctx, r.topics.Events)
		return err
	})
	if err != nil {
		return err
	}
	return broker.SamePartitions(r.topics.Events, r.partitions, now)
}

// waitForTopic waits for whatever keeps records from the rejected topic, a
// deleted topic included: nothing is committed before they are acknowledged.
func waitForTopic(err error) (string, bool) {
	switch broker.Classify(err) {
	case broker.Canceled:
		return "", false
	case broker.Invalid:
		return "the topic's max.message.bytes is below our 1 MB", true
	case broker.Fatal:
		return "the topic does not take it", true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the broker is unreachable, or the topic has fewer in-sync replicas than its min.insync.replicas", true
	}
	return "the broker is unreachable", true
}

// retry does a step until it succeeds, fails for good or ctx ends. It logs that
// it waits at once and then every minute.
func (r *run) retry(ctx context.Context, step string, retriable func(error) (string, bool), do func() error) error {
	wait := firstWait
	var begun, logged time.Time
	for {
		err := do()
		if err == nil {
			if !begun.IsZero() {
				r.cfg.Log.Info().Stringer("after", time.Since(begun).Round(time.Millisecond)).Msg("mirror: " + step + ": it works again")
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", step, ctx.Err())
		}
		reason, ok := retriable(err)
		if !ok {
			return fmt.Errorf("%s: %w", step, err)
		}
		r.stats.add(func(s *Stats) {
			s.Retries++
			s.LastError = step + ": " + err.Error()
		})
		if begun.IsZero() {
			begun = time.Now()
			r.waiting.Add(1)
			defer r.waiting.Add(-1)
		}
		if time.Since(logged) > logEvery {
			logged = time.Now()
			r.cfg.Log.Warn().Err(err).Str("reason", reason).Msg("mirror: " + step + ": waits and tries again")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", step, ctx.Err())
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
	}
}
