package ingest_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
)

// A file is imported twice: its rows have the same ids both times, so the
// second import adds nothing that counts.
func ExampleImport() {
	if err := importTwice(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 rows: 2 accepted, 1 rejected
	// 3 rows: 2 accepted, 1 rejected
}

func importTwice(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "clickstream-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := embedded.Start(dir, embedded.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := broker.Open(broker.Config{Brokers: []string{server.Addr()}})
	if err != nil {
		return err
	}
	defer client.Close()
	producer, err := ingest.NewProducer(ctx, client, zerolog.Nop(), ingest.Bulk())
	if err != nil {
		return err
	}
	defer producer.Close()

	const file = `{"event_type":"view","timestamp":"2026-11-22T10:00:00Z","session_id":"s1","product_id":"boot"}
{"event_type":"view","timestamp":"2026-11-22T10:00:00Z","session_id":"s1","product_id":"boot"}
{"event_type":"view","timestamp":"2026-11-22T10:00:01Z","session_id":"s1"}
`
	for range 2 {
		files, err := ingest.OpenImport(ctx, ingest.Options{Paths: []string{"-"}, Stdin: strings.NewReader(file)})
		if err != nil {
			return err
		}
		report, err := files.Run(ctx, producer)
		files.Close()
		if err != nil {
			return err
		}
		fmt.Printf("%d rows: %d accepted, %d rejected\n", report.Read, report.Accepted, report.Rejected)
	}
	return nil
}
