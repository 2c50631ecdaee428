package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/warehouse/warehousetest"
)

// The commands of docs/operations.md, "More partitions": a log of six partitions
// got nine, and an event was written by the new number. Every event comes into
// the new log and its tables, and none is rejected.
func TestALogGetsMorePartitionsAsTheDocsSay(t *testing.T) {
	docs := read(t, filepath.Join(root, "docs", "operations.md"))
	for _, command := range []string{"clickstream export > events.jsonl", "clickstream serve --kafka-topic-prefix", "clickstream ingest file --kafka-topic-prefix", "clickstream verify --kafka-topic-prefix"} {
		if !strings.Contains(docs, command) {
			t.Errorf("the docs do not say %q", command)
		}
	}
	b := brokertest.Config(t)
	oldTables, newTables := warehousetest.Database(t), warehousetest.Database(t)
	t.Setenv("CLICKSTREAM_KAFKA_BROKERS", strings.Join(b.Brokers, ","))
	t.Setenv("CLICKSTREAM_CLICKHOUSE_ADDR", oldTables.Addr)
	t.Setenv("CLICKSTREAM_CLICKHOUSE_USER", oldTables.User)
	t.Setenv("CLICKSTREAM_CLICKHOUSE_PASSWORD", oldTables.Password)
	t.Setenv("CLICKSTREAM_COLLECTOR_ADDR", "127.0.0.1:0")
	use := func(prefix, database string, partitions int) {
		t.Setenv("CLICKSTREAM_KAFKA_TOPIC_PREFIX", prefix)
		t.Setenv("CLICKSTREAM_CLICKHOUSE_DATABASE", database)
		t.Setenv("CLICKSTREAM_KAFKA_PARTITIONS", strconv.Itoa(partitions))
		t.Setenv("CLICKSTREAM_DATA_DIR", t.TempDir())
	}
	serving := func() (stop func() int) {
		shown, stop := start(t, "serve")
		testwait.Until(t, "the instance serves", func() bool { return strings.Contains(shown.String(), `"serving"`) })
		return stop
	}
	must := func(args ...string) string {
		status, out, errOut := run(t, args...)
		if status != exitDone {
			t.Fatalf("%v: status %d: %s%s", args, status, out, errOut)
		}
		return out
	}

	use(b.TopicPrefix, oldTables.Database, 6)
	stop := serving()
	must("ingest", "file", tempFile(t, "shop.jsonl", shopOf(300)))
	if status := stop(); status != exitDone {
		t.Fatalf("serve ended with status %d", status)
	}
	addPartitions(t, b)
	if status, _, errOut := run(t, "serve"); status != exitFailed || !strings.Contains(errOut, "More partitions") {
		t.Fatalf("with the old tables: status %d, %s", status, errOut)
	}
	exported := must("export")
	file := tempFile(t, "events.jsonl", exported)

	use(b.TopicPrefix+"nine.", newTables.Database, 9)
	stop = serving()
	must("ingest", "file", file)
	if out := must("verify"); !strings.Contains(out, "301") {
		t.Errorf("verify says nothing of 301 events:\n%s", out)
	}
	got := must("sql", "--output", "csv", "SELECT count(), uniqExact(event_id), uniqExact(kafka_partition), (SELECT count() FROM rejected_events) FROM event_log")
	if _, row, _ := strings.Cut(strings.TrimSpace(got), "\n"); row != "301,301,9,0" {
		t.Errorf("the new tables have %s, want 301 events in nine partitions and none rejected", row)
	}
	if status := stop(); status != exitDone {
		t.Errorf("serve ended with status %d", status)
	}
}

// shopOf is a file of n events, each of a product and with an id of its own.
func shopOf(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"event_id":"e%d","event_type":"view","timestamp":%q,"product_id":"p%d","user_id":"u1"}`+"\n",
			i, time.Date(2026, 5, 4, 10, 0, i, 0, time.UTC).Format(time.RFC3339), i)
	}
	return text.String()
}

// addPartitions gives the log nine partitions and writes an event by that
// number, which is wrong by the former one.
func addPartitions(t *testing.T, b broker.Config) {
	t.Helper()
	cl := brokertest.OpenAt(t, b, broker.ProducerOptions()...)
	topic := cl.Topics().Events
	if _, err := kadm.NewClient(cl.Client).UpdatePartitions(t.Context(), 9, topic); err != nil {
		t.Fatal(err)
	}
	n := 0
	for event.Partition("q"+strconv.Itoa(n), 9) < 6 {
		n++
	}
	key := "q" + strconv.Itoa(n)
	value, err := json.Marshal(map[string]string{
		"event_id": "after", "event_type": "view", "timestamp": "2026-05-04T10:06:00Z", "product_id": key, "user_id": "u1",
	})
	if err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "the new partition takes an event", func() bool {
		r := &kgo.Record{Topic: topic, Partition: event.Partition(key, 9), Key: []byte(key), Value: value}
		return cl.ProduceSync(t.Context(), r).FirstErr() == nil
	})
}

func TestWhatIsNoEventIsNotExported(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 2})
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Events, Partition: 1, Value: []byte("{\x1b[31m")})
	cfg := s.Broker.Config()
	status, out, errOut := run(t, "export", "--kafka-brokers", cfg.Brokers[0], "--kafka-topic-prefix", cfg.TopicPrefix, "--data-dir", filepath.Join(t.TempDir(), "none"))
	if status != exitDone || out != "" || !strings.Contains(errOut, "0 events of topic") || !strings.Contains(errOut, "1 other records") {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
}
