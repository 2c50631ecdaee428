package instance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/instance/shoptest"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest/visible"
)

// onEmbeddedClickHouse starts the engine in dir for engines with a broker.
func onEmbeddedClickHouse(t *testing.T, dir string, e *Engines) {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Progress: embedded.ProgressLines(visible.Writer())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill(); _ = server.Close() })
	e.ownClickHouse = server
	e.ClickHouse = warehouse.Config{Database: "clickstream"}
	e.useOwnClickHouse()
}

func send(t *testing.T, p *Pipeline, e event.Event) {
	t.Helper()
	produce(t, p, []*kgo.Record{{Topic: p.Broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)}})
}

// ClickHouse is killed while rows go into it, the roles are stopped, and others
// go on in its folder.
func TestM1_AKilledClickHouseLosesNothing(t *testing.T) {
	rows, rule, dir := shoptest.Rows(t, "../cli/testdata/shop.csv"), testRule(), t.TempDir()
	events := producerEvents(rows, 4)
	e := &Engines{Kafka: brokertest.Config(t)}

	for round := range 3 {
		onEmbeddedClickHouse(t, dir, e)
		p := openTestPipeline(t, e)
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		r := beginUntil(ctx, t, p, rule)
		killed := make(chan struct{})
		for i, ev := range events {
			if i%3 != round {
				continue
			}
			send(t, p, ev)
			if i/3 == len(events)/6 && round < 2 {
				// In the middle of what this round sends, with batches under way.
				go func() { defer close(killed); cancel(); e.ownClickHouse.Kill() }()
			}
		}
		if round == 2 {
			// The rounds have mixed the order beyond the lateness, so it is the
			// tables that are compared with the log, and the alerts with SQL.
			finish(t, p, r, rule)
			if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
				t.Errorf("%d rows, want %d", n, len(rows))
			}
			agrees(t, p)
			return
		}
		<-killed
		if err := r.Stop(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		_ = e.ownClickHouse.Close()
	}
}

// ClickHouse is killed in the middle, and the roles bring it up again and go on.
func TestM1_RunningRolesOutliveAKilledClickHouse(t *testing.T) {
	rows, rule := shoptest.Rows(t, "../cli/testdata/shop.csv"), testRule()
	events := producerEvents(rows, 5)
	e := &Engines{Kafka: brokertest.Config(t)}
	onEmbeddedClickHouse(t, t.TempDir(), e)
	p := openTestPipeline(t, e)
	r := begin(t, p, rule)
	for i, ev := range events {
		send(t, p, ev)
		if i == len(events)/3 || i == len(events)*2/3 {
			e.ownClickHouse.Kill() // with batches under way
		}
	}
	shoptest.SameAlerts(t, finish(t, p, r, rule), shoptest.BruteForce(rows, 10, 5))
	if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
		t.Errorf("%d rows, want %d", n, len(rows))
	}
	agrees(t, p)
	if err := r.Stop(); err != nil {
		t.Errorf("a role failed: %v", err)
	}
}

func TestAClickHouseThatEndsAgainAndAgainIsGivenUp(t *testing.T) {
	e := &Engines{Kafka: brokertest.Config(t)}
	onEmbeddedClickHouse(t, t.TempDir(), e)
	p := openTestPipeline(t, e)
	r := p.NewRoles(t.Context())
	for range mostEnds {
		e.ownClickHouse.Kill()
		up(t, e)
	}
	e.ownClickHouse.Kill()
	<-r.Context().Done()
	if err := r.Stop(); err == nil || !strings.Contains(err.Error(), "ClickHouse: the embedded ClickHouse ended 4 times") || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("an engine that ends again and again is reported as %v", err)
	}
}

// up waits until the killed engine runs again.
func up(t *testing.T, e *Engines) {
	t.Helper()
	ctx, tick := deadline(t), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for e.ownClickHouse.Err() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the engine was not started again")
		}
	}
}
