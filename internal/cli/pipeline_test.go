package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/processor"
	"clickstream/warehouse"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

// The pipeline's tests run on whatever broker and ClickHouse the environment
// names: embedded ones, a real Kafka, others.

func testRule() event.Rule {
	r := event.DefaultRule()
	r.ViewsOver = 10
	return r
}

// testPipeline is a pipeline with topics and a database of its own.
func testPipeline(t *testing.T) *pipeline {
	t.Helper()
	end := warehousetest.Database(t)
	return openTestPipeline(t, &engines{broker: brokertest.Config(t), clickhouse: warehouse.Config{
		Addr: []string{end.Addr}, Database: end.Database, User: end.User, Password: end.Password,
	}})
}

func openTestPipeline(t *testing.T, e *engines) *pipeline {
	t.Helper()
	p, err := openPipeline(t.Context(), e, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// begin runs mirror and processor until the test's end or stop.
func begin(t *testing.T, p *pipeline, rule event.Rule) *roles {
	t.Helper()
	return beginUntil(t, t.Context(), p, rule)
}

func beginUntil(t *testing.T, ctx context.Context, p *pipeline, rule event.Rule) *roles {
	t.Helper()
	r := p.newRoles(ctx)
	if err := errors.Join(r.runMirror(), r.runProcessor(processor.Config{Rule: rule})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.stop() })
	return r
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// finish closes all windows, waits until all is stored, and reads the final
// alerts.
func finish(t *testing.T, r *roles, rule event.Rule) []foundAlert {
	t.Helper()
	ctx := deadline(t)
	if err := r.processor.CloseWindows(ctx); err != nil {
		t.Fatal(r.explain(err))
	}
	if err := r.pipeline.stored(ctx, nil); err != nil {
		t.Fatal(r.explain(err))
	}
	return confirmed(t, r.pipeline, rule)
}

func confirmed(t *testing.T, p *pipeline, rule event.Rule) []foundAlert {
	t.Helper()
	var found []foundAlert
	if err := p.warehouse.Conn().Select(t.Context(), &found, query("analyze_alerts"), clickhouse.Named("rule", rule.String())); err != nil {
		t.Fatal(err)
	}
	return found
}

func rowsOf(t *testing.T, p *pipeline, view string) (n uint64) {
	t.Helper()
	if err := p.warehouse.Conn().QueryRow(t.Context(), "SELECT count() FROM "+view).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// agrees lets verify read everything again.
func agrees(t *testing.T, p *pipeline, rule event.Rule) {
	t.Helper()
	report, err := verify.Run(deadline(t), verify.Config{
		Broker: p.broker, Warehouse: p.warehouse, Rule: rule, Log: p.log,
		WaitFor: func(ctx context.Context, ends broker.Offsets) error {
			return processor.WaitAcknowledged(ctx, p.client, p.broker, rule, ends)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("verify disagrees: %s", report)
	}
}

// foreignEvents are the rows of the shop as another program would write them,
// shuffled within a minute of event time, a twentieth of them sent twice.
func foreignEvents(rows []shopRow, seed uint64) []event.Event {
	random := rand.New(rand.NewPCG(seed, 1))
	kinds := map[string]string{"view": event.TypeView, "cart": event.TypeAddToCart, "purchase": event.TypePurchase}
	type at struct {
		event.Event
		key int64
	}
	var all []at
	for i, r := range rows {
		e := event.Event{
			ID: fmt.Sprintf("evt_%08d", i), Type: kinds[r.kind], Timestamp: event.MillisOf(r.at),
			UserID: r.user, ProductID: r.product, ProductCategory: r.category, Quantity: 1,
		}
		key := int64(e.Timestamp) + random.Int64N(60_000)
		all = append(all, at{e, key})
		if random.IntN(20) == 0 {
			all = append(all, at{e, int64(e.Timestamp) + random.Int64N(60_000)})
		}
	}
	// By time with the shuffling added: no event comes after one that is a
	// minute or more younger.
	for i := range all {
		for j := i; j > 0 && all[j].key < all[j-1].key; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	events := make([]event.Event, len(all))
	for i, a := range all {
		events[i] = a.Event
	}
	return events
}

// produce writes records with a client of the test's own.
func produce(t *testing.T, p *pipeline, records []*kgo.Record, opts ...kgo.Opt) {
	t.Helper()
	cl, err := p.broker.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(deadline(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestPipelineTakesEventsProducedStraightToTheLog(t *testing.T) {
	p, rows, rule := testPipeline(t), shopRows(t), testRule()
	r := begin(t, p, rule)
	var records []*kgo.Record
	for _, e := range foreignEvents(rows, 1) {
		records = append(records, &kgo.Record{Topic: p.broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
	}
	produce(t, p, records)
	sameAlerts(t, finish(t, r, rule), bruteForce(rows, 10, 5))
	if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
		t.Errorf("%d rows of %d records, want %d", n, len(records), len(rows))
	}
	if n := r.processor.Stats().Duplicates; n == 0 || n > int64(len(records)-len(rows)) {
		t.Errorf("%d duplicates counted of %d", n, len(records)-len(rows))
	}
	agrees(t, p, rule)
}

func TestPipelineTakesForeignProducersRecords(t *testing.T) {
	p, rows, rule := testPipeline(t), shopRows(t), testRule()
	// A backlog from several partitions is out of order.
	rule.Lateness = 3 * time.Hour
	r := begin(t, p, rule)
	producer, err := r.newProducer()
	if err != nil {
		t.Fatal(err)
	}
	normaliser, err := ingest.NewNormaliser(ingest.NormaliserConfig{Broker: p.broker, Producer: producer, Log: p.log})
	if err != nil {
		t.Fatal(err)
	}
	data := p.broker.Topics().Data
	var records []*kgo.Record
	for i, e := range foreignEvents(rows, 2) {
		value := fmt.Sprintf(`{"event_id":%q,"event_type":%q,"timestamp":%q,"user_id":%q,"product_id":%q,"ip_address":"10.0.0.%d"}`,
			e.ID, e.Type, e.Timestamp.Time().Format("2006-01-02T15:04:05.000000"), e.UserID, e.ProductID, i%250)
		records = append(records, &kgo.Record{Topic: data, Key: []byte(e.UserID), Value: []byte(value)})
	}
	produce(t, p, records)
	r.run("normaliser", normaliser.Run)
	ctx := deadline(t)
	ends, err := broker.EndOffsets(ctx, p.client, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.WaitCommitted(ctx, p.client, p.broker.Group("normaliser"), data, "", ends, nil); err != nil {
		t.Fatal(r.explain(err))
	}
	sameAlerts(t, finish(t, r, rule), bruteForce(rows, 10, 5))
	if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
		t.Errorf("%d rows of %d records, want %d", n, len(records), len(rows))
	}
	agrees(t, p, rule)
}

// Roles that are stopped and started again in the middle, without a word of
// warning to each other, lose nothing and make nothing up.
func TestPipelineGoesOnWhereItStopped(t *testing.T) {
	p, rows, rule := testPipeline(t), shopRows(t), testRule()
	events := foreignEvents(rows, 3)
	var r *roles
	for part := range 4 {
		r = begin(t, p, rule)
		var records []*kgo.Record
		for _, e := range events[len(events)*part/4 : len(events)*(part+1)/4] {
			records = append(records, &kgo.Record{Topic: p.broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
		}
		produce(t, p, records)
		if part < 3 {
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	sameAlerts(t, finish(t, r, rule), bruteForce(rows, 10, 5))
	agrees(t, p, rule)
}

func TestPipelineRefusesAnotherLog(t *testing.T) {
	p := testPipeline(t)
	other := *p.engines
	other.broker = brokertest.Config(t)
	if _, err := openPipeline(t.Context(), &other, zerolog.Nop()); err == nil {
		t.Error("tables filled from one log were taken for another's")
	}
}
