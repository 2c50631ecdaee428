package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/event"
	"clickstream/warehouse"
	clickhouse "clickstream/warehouse/embedded"
	"clickstream/warehouse/mirror"
)

// An event is on the log twice; the mirror stores both records, and the view
// shows the one event.
func Example() {
	if err := mirrorOneEvent(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 records stored, 1 event shown
}

func mirrorOneEvent(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "clickstream-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	kafka, err := embedded.Start(filepath.Join(dir, "log"), embedded.Options{})
	if err != nil {
		return err
	}
	defer kafka.Close()
	client, err := broker.Open(broker.Config{Brokers: []string{kafka.Addr()}}, broker.ProducerOptions()...)
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := clickhouse.Start(ctx, clickhouse.Options{Dir: filepath.Join(dir, "tables")})
	if err != nil {
		return err
	}
	defer server.Close()
	tables, err := warehouse.Open(ctx, warehouse.Config{
		Addr: []string{server.TCPAddr()}, User: clickhouse.User, Password: server.Credentials().Password,
	}, zerolog.Nop())
	if err != nil {
		return err
	}
	defer tables.Close()
	id, err := client.EnsureTopics(ctx)
	if err != nil {
		return err
	}
	if _, err := tables.Migrate(ctx); err != nil {
		return err
	}

	m, err := mirror.New(mirror.Config{Broker: client, Warehouse: tables})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- m.Run(running) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()

	e := event.Event{ID: "e1", Type: event.TypeView, Timestamp: 1_750_000_000_000, SessionID: "s", ProductID: "boot", Quantity: 1}
	record := func() *kgo.Record {
		return &kgo.Record{
			Topic: id.Topic, Partition: event.Partition(e.Key(), id.Partitions), Key: []byte(e.Key()), Value: e.AppendJSON(nil),
		}
	}
	if err := client.ProduceSync(ctx, record(), record()).FirstErr(); err != nil {
		return err
	}
	ends, err := client.EndOffsets(ctx, id.Topic)
	if err != nil {
		return err
	}
	if err := tables.WaitStored(ctx, client, id.Topic, ends, nil); err != nil {
		return err
	}
	var stored, shown uint64
	if err := tables.Conn().QueryRow(ctx, "SELECT (SELECT count() FROM event_log), (SELECT count() FROM events)").Scan(&stored, &shown); err != nil {
		return err
	}
	fmt.Printf("%d records stored, %d event shown\n", stored, shown)
	return nil
}
