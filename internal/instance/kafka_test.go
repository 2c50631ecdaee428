package instance

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/broker/realkafka"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// Five restarts of a real Kafka, two of them by SIGKILL, under all roles: what
// the collector has answered with 200 is in the tables, and no role has ended.
func TestServeOutlivesFiveRestartsOfKafka(t *testing.T) {
	if os.Getenv(brokertest.Env) != "kafka" {
		t.Skip("runs with CLICKSTREAM_TEST_BROKERS=kafka: it needs Java and Maven")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	kafka, err := realkafka.Start(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kafka.Close() }()
	tables := warehousetest.Database(t).Config()
	r, folder := serve(t, broker.Config{Brokers: []string{kafka.Addr()}}, tables, DefaultRoles()...)
	for _, role := range DefaultRoles() {
		waitState(t, folder, role, Running)
	}

	posting, stop := context.WithCancel(ctx)
	defer stop()
	accepted := make(chan int)
	go func() { defer close(accepted); postAll(posting, r.URL("collector"), accepted) }()
	var want uint64
	for restart := range 5 {
		// Events are accepted again before the next restart.
		for range 100 {
			if _, more := <-accepted; !more {
				t.Fatalf("no events are accepted before restart %d", restart+1)
			}
			want++
		}
		halt := kafka.Close
		if restart%2 == 1 {
			halt = kafka.Kill
		}
		if err := halt(); err != nil && restart%2 == 0 {
			t.Fatal(err)
		}
		if kafka, err = realkafka.Start(ctx, dir); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	for range accepted {
		want++
	}
	wh, err := warehouse.Open(ctx, tables, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer wh.Close()
	var stored uint64
	for stored < want && ctx.Err() == nil {
		if err := wh.Conn().QueryRow(ctx, "SELECT count() FROM events").Scan(&stored); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d events answered with 200, %d stored", want, stored)
	if stored < want {
		t.Errorf("%d events stored of %d that were answered with 200", stored, want)
	}
	if err := r.Context().Err(); err != nil {
		t.Errorf("the roles ended: %v", r.Explain(err))
	}
	for _, role := range DefaultRoles() {
		waitState(t, folder, role, Running)
	}
}

// postAll posts one event after the other, each until it is answered with 200,
// and sends the number of each that was, until ctx ends.
func postAll(ctx context.Context, url string, accepted chan<- int) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for n := 0; ctx.Err() == nil; {
		body := fmt.Sprintf(`{"event_id":"r%d","event_type":"page","timestamp":%q,"user_id":"u%d"}`, n, time.Now().UTC().Format(time.RFC3339), n)
		resp, err := client.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			accepted <- n
			n++
		}
	}
}

// Kafka's partitions are added under a running collector: it stops with the way
// out, for with their number changes where an event belongs.
func TestPartitionsAddedToTheLogEndTheRolesWithTheWayOut(t *testing.T) {
	b := brokertest.Config(t)
	e := &Engines{Kafka: b}
	r, err := e.NewRoles(t.Context(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan struct{})
	r.Go("event log", func(ctx context.Context, ready func()) error {
		return r.watchLog(ctx, func() { ready(); close(running) })
	})
	<-running
	if _, err := kadm.NewClient(r.broker.Client).UpdatePartitions(t.Context(), 14, b.Topics().Events); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Context().Done():
	case <-deadline(t).Done():
		t.Fatal("the roles go on")
	}
	err = r.Stop()
	if err == nil || !strings.Contains(err.Error(), "had 12 partitions and has 14 now") || !strings.Contains(err.Error(), "--kafka-topic-prefix") {
		t.Errorf("got %v, want the numbers and the way out", err)
	}
}
