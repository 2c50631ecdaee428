package cli

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
)

// onEmbeddedClickHouse starts the engine in dir for engines with a broker.
func onEmbeddedClickHouse(t *testing.T, dir string, e *engines) {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Progress: embedded.ProgressLines(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill(); _ = server.Close() })
	e.ownClickHouse = server
	e.clickhouse = warehouse.Config{Database: "clickstream"}
	e.useOwnClickHouse()
}

// ClickHouse is killed while rows go into it, and started again in its folder.
func TestM1_AKilledClickHouseLosesNothing(t *testing.T) {
	rows, rule, dir := shopRows(t), testRule(), t.TempDir()
	events := foreignEvents(rows, 4)
	e := &engines{broker: brokertest.Config(t)}

	for round := range 3 {
		onEmbeddedClickHouse(t, dir, e)
		p := openTestPipeline(t, e)
		r := begin(t, p, rule)
		killed := make(chan struct{})
		for i, ev := range events {
			if i%3 != round {
				continue
			}
			produce(t, p, []*kgo.Record{{Topic: p.broker.Topics().Events, Key: []byte(ev.Key()), Value: ev.AppendJSON(nil)}})
			if i/3 == len(events)/6 && round < 2 {
				// In the middle of what this round sends, with batches under way.
				go func() { defer close(killed); e.ownClickHouse.Kill() }()
			}
		}
		if round == 2 {
			// The rounds have mixed the order beyond the lateness, so it is the
			// tables that are compared with the log, and the alerts with SQL.
			finish(t, r, rule)
			if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
				t.Errorf("%d rows, want %d", n, len(rows))
			}
			agrees(t, p, rule)
			return
		}
		<-killed
		<-r.ctx.Done()
		if err := r.stop(); err == nil || !strings.Contains(err.Error(), "ClickHouse") || context.Cause(r.ctx) == nil {
			t.Errorf("round %d: the killed ClickHouse is not reported: %v", round, err)
		}
		_ = e.ownClickHouse.Close()
	}
}
