package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/event"
	"clickstream/warehouse"
	"clickstream/warehouse/rows"
)

const bareRows = 100_000

// bareLoop reads with franz-go and inserts with ch-go, two inserts at a time. It
// commits nothing, checks nothing and tries nothing again.
func bareLoop(b *testing.B, _ *suite, t *tables) {
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
	full, free := make(chan *rows.Events, 3), make(chan *rows.Events, 3)
	for range 3 {
		free <- rows.NewEvents()
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

func bareRead(ctx context.Context, cl *kgo.Client, n uint64, full, free chan *rows.Events) error {
	var d event.Decoder
	var e event.Event
	batch := <-free
	for read := uint64(0); read < n; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			if err := d.Decode(r.Value, &e); err != nil {
				return
			}
			batch.Append(&e, r.Partition, r.Offset, event.MillisOf(r.Timestamp))
			if batch.Rows() == bareRows {
				full <- batch
				batch = <-free
			}
		})
	}
	full <- batch
	return nil
}

func bareInsert(ctx context.Context, t *tables, full, free chan *rows.Events) error {
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

// kafkaEngine lets ClickHouse read by itself, with two consumers.
func kafkaEngine(b *testing.B, _ *suite, t *tables) {
	b.Helper()
	words := map[string]string{
		"Brokers": strings.Join(t.log.Config().Brokers, ","), "Topic": t.log.Topics().Events,
		"Group": fmt.Sprintf("bench-%d", time.Now().UnixNano()),
	}
	for _, name := range []string{"kafka_engine", "kafka_view"} {
		t.exec(b, warehouse.SQL(files, name, words))
	}
	for t.number(b, "SELECT count() FROM event_log") < float64(t.n) {
		time.Sleep(50 * time.Millisecond)
	}
	b.StopTimer()
	for _, table := range []string{"kafka_view", "kafka_engine"} {
		t.exec(b, "DROP TABLE "+table+" SYNC")
	}
}

// insertSelect copies the rows of a table that bareLoop has filled.
func insertSelect(b *testing.B, s *suite, t *tables) {
	b.Helper()
	b.StopTimer()
	from := newTables(b, s.server, t.cfg.Database+"_from")
	defer from.drop(b)
	from.log, from.n = t.log, t.n
	bareLoop(b, s, from)
	t.engine.forgetPeak()
	t.begun = t.engine.cpu()
	b.StartTimer()
	err := t.Conn().Exec(b.Context(), "INSERT INTO event_log SELECT * FROM "+from.cfg.Database+".event_log")
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	t.report(b)
}
