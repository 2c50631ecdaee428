package bench

import (
	"context"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/rows"
)

const bareRows = 100_000

// bareBatch is the columns of some rows.
type bareBatch interface {
	add(r *kgo.Record) error
	Rows() int
	Input() proto.Input
	Reset()
}

// bareLoop reads with franz-go and inserts with ch-go, two inserts at a time, in
// batches of 100,000 rows. It commits nothing, checks nothing and tries nothing
// again.
func bareLoop(b *testing.B, t *tables, newBatch func() bareBatch) {
	b.Helper()
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(t.log.Config().Brokers...), kgo.ConsumeTopics(t.log.Topics().Events),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
	)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	g, ctx := errgroup.WithContext(b.Context())
	full, free := make(chan bareBatch, 3), make(chan bareBatch, 3)
	for range 3 {
		free <- newBatch()
	}
	for range 2 {
		g.Go(func() error { return bareInsert(ctx, t, full, free) })
	}
	g.Go(func() error {
		defer close(full)
		return bareRead(ctx, cl, t.n, full, free)
	})
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

func bareRead(ctx context.Context, cl *kgo.Client, n uint64, full, free chan bareBatch) error {
	batch := <-free
	for read := uint64(0); read < n; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if r.Value == nil { // a control record that the shipped service has written
				continue
			}
			read++
			if err := batch.add(r); err != nil {
				return err
			}
			if batch.Rows() < bareRows {
				continue
			}
			full <- batch
			select {
			case batch = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	full <- batch
	return nil
}

func bareInsert(ctx context.Context, t *tables, full, free chan bareBatch) error {
	client, err := t.Dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	for batch := range full {
		if batch.Rows() > 0 {
			input := batch.Input()
			err := warehouse.Do(ctx, client, ch.Query{
				Body: input.Into("event_log"), Input: input,
				Settings: []ch.Setting{{Key: "optimize_on_insert", Value: "0", Important: true}},
			})
			if err != nil {
				return err
			}
		}
		batch.Reset()
		free <- batch
	}
	return nil
}

// bareCurrent is the bare loop with what the project has now: its decoder, its
// columns and its table. The difference to Shipped is the price of exactness.
func bareCurrent(b *testing.B, _ *suite, t *tables) {
	b.Helper()
	bareLoop(b, t, func() bareBatch { return &currentBatch{Events: rows.NewEvents()} })
}

type currentBatch struct {
	*rows.Events
	decoder event.Decoder
	event   event.Event
}

func (c *currentBatch) add(r *kgo.Record) error {
	if err := c.decoder.Decode(r.Value, &c.event); err != nil {
		return err
	}
	c.Append(&c.event, r.Partition, r.Offset, event.MillisOf(r.Timestamp))
	return nil
}

// bareFirst is the bare loop into the first version's event_log, with nothing of
// the project in it: no change of its code or of its tables moves this figure. It
// is the yardstick that the first version was measured against, and what the
// mirror is to be 1.3 times as fast as.
func bareFirst(b *testing.B, _ *suite, t *tables) {
	b.Helper()
	b.StopTimer()
	t.exec(b, "DROP TABLE event_log SYNC")
	t.exec(b, warehouse.SQL(files, "first_event_log", nil))
	b.StartTimer()
	bareLoop(b, t, func() bareBatch { return newFirstBatch() })
	b.StopTimer()
	if stored := t.number(b, "SELECT count() FROM event_log WHERE event_id != '' AND kafka_key = product_id AND price >= 0"); stored != float64(t.n) {
		b.Fatalf("%.0f of %d events are stored as they were sent", stored, t.n)
	}
}
