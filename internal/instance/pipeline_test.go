package instance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance/shoptest"
	"clickstream/processor"
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
func testPipeline(t *testing.T) *Pipeline {
	t.Helper()
	return openTestPipeline(t, &Engines{Kafka: brokertest.Config(t), ClickHouse: warehousetest.Database(t).Config()})
}

func openTestPipeline(t *testing.T, e *Engines) *Pipeline {
	t.Helper()
	p, err := OpenPipeline(t.Context(), e, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// begin runs mirror and processor until the test's end or stop.
func begin(t *testing.T, p *Pipeline, rule event.Rule) *Roles {
	t.Helper()
	return beginUntil(t.Context(), t, p, rule)
}

func beginUntil(ctx context.Context, t *testing.T, p *Pipeline, rule event.Rule) *Roles {
	t.Helper()
	set, err := rules.FlashSale(rule)
	if err == nil {
		// More sets may have open windows by the clock than ApplyRules lets in.
		err = p.Broker.PutRulesInForce(ctx, set, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	r := p.NewRoles(ctx)
	r.RunMirror()
	if err := r.RunProcessor(processor.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	return r
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// finish closes all windows, waits until all is stored, and reads the final
// alerts.
func finish(t *testing.T, p *Pipeline, r *Roles, rule event.Rule) []shoptest.Alert {
	t.Helper()
	ctx := deadline(t)
	if err := r.Processor().CloseWindows(ctx); err != nil {
		t.Fatal(r.Explain(err))
	}
	if err := p.WaitStored(ctx, nil); err != nil {
		t.Fatal(r.Explain(err))
	}
	return confirmed(t, p, rule)
}

const confirmedAlerts = `SELECT product_id, window_start, window_end, views, purchases, conversion_rate, status
FROM flash_sale_alerts WHERE rule = {rule:String} AND status = 'confirmed' ORDER BY window_start, product_id`

func confirmed(t *testing.T, p *Pipeline, rule event.Rule) []shoptest.Alert {
	t.Helper()
	var found []shoptest.Alert
	if err := p.Warehouse.Conn().Select(t.Context(), &found, confirmedAlerts, clickhouse.Named("rule", rule.String())); err != nil {
		t.Fatal(err)
	}
	return found
}

func rowsOf(t *testing.T, p *Pipeline, view string) (n uint64) {
	t.Helper()
	if err := p.Warehouse.Conn().QueryRow(t.Context(), "SELECT count() FROM "+view).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// agrees lets verify read everything again.
func agrees(t *testing.T, p *Pipeline) {
	t.Helper()
	report, err := verify.Run(deadline(t), verify.Config{
		Broker: p.Broker, Warehouse: p.Warehouse, Log: p.Log,
		WaitFor: func(ctx context.Context, ends broker.Offsets) (broker.Offsets, error) {
			return ends, processor.WaitAcknowledged(ctx, p.Broker, ends)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("verify disagrees: %s", report)
	}
}

// producerEvents are the rows of the shop as another program would write them,
// shuffled within a minute of event time, a twentieth of them sent twice.
func producerEvents(rows []shoptest.Row, seed uint64) []event.Event {
	random := rand.New(rand.NewPCG(seed, 1))
	kinds := map[string]string{"view": event.TypeView, "cart": event.TypeAddToCart, "purchase": event.TypePurchase}
	type at struct {
		event.Event
		key int64
	}
	var all []at
	for i, r := range rows {
		e := event.Event{
			ID: fmt.Sprintf("evt_%08d", i), Type: kinds[r.Kind], Timestamp: event.MillisOf(r.At),
			UserID: r.User, ProductID: r.Product, ProductCategory: r.Category, Quantity: 1,
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
func produce(t *testing.T, p *Pipeline, records []*kgo.Record, opts ...kgo.Opt) {
	t.Helper()
	cl, err := p.Broker.Open(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(deadline(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestPipelineTakesEventsProducedStraightToTheLog(t *testing.T) {
	p, rows, rule := testPipeline(t), shoptest.Rows(t, "../cli/testdata/shop.csv"), testRule()
	r := begin(t, p, rule)
	var records []*kgo.Record
	for _, e := range producerEvents(rows, 1) {
		records = append(records, &kgo.Record{Topic: p.Broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
	}
	produce(t, p, records)
	shoptest.SameAlerts(t, finish(t, p, r, rule), shoptest.BruteForce(rows, 10, 5))
	if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
		t.Errorf("%d rows of %d records, want %d", n, len(records), len(rows))
	}
	if n := r.Processor().Stats().Duplicates; n == 0 || n > int64(len(records)-len(rows)) {
		t.Errorf("%d duplicates counted of %d", n, len(records)-len(rows))
	}
	agrees(t, p)
}

func TestPipelineTakesOtherProducersRecords(t *testing.T) {
	p, rows, rule := testPipeline(t), shoptest.Rows(t, "../cli/testdata/shop.csv"), testRule()
	// A backlog from several partitions is out of order.
	rule.Lateness = 3 * time.Hour
	r := begin(t, p, rule)
	data := p.Broker.Topics().Inbound
	var records []*kgo.Record
	for i, e := range producerEvents(rows, 2) {
		value := fmt.Sprintf(`{"event_id":%q,"event_type":%q,"timestamp":%q,"user_id":%q,"product_id":%q,"ip_address":"10.0.0.%d"}`,
			e.ID, e.Type, e.Timestamp.Time().Format("2006-01-02T15:04:05.000000"), e.UserID, e.ProductID, i%250)
		records = append(records, &kgo.Record{Topic: data, Key: []byte(e.UserID), Value: []byte(value)})
	}
	produce(t, p, records)
	r.runNormaliser()
	ctx := deadline(t)
	ends, err := p.Broker.EndOffsets(ctx, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Broker.WaitCommitted(ctx, p.Broker.Group("normaliser"), data, ends, nil); err != nil {
		t.Fatal(r.Explain(err))
	}
	shoptest.SameAlerts(t, finish(t, p, r, rule), shoptest.BruteForce(rows, 10, 5))
	if n := rowsOf(t, p, "events"); n != uint64(len(rows)) {
		t.Errorf("%d rows of %d records, want %d", n, len(records), len(rows))
	}
	agrees(t, p)
}

// Roles that are stopped and started again in the middle, without a word of
// warning to each other, lose nothing and make nothing up.
func TestPipelineGoesOnWhereItStopped(t *testing.T) {
	p, rows, rule := testPipeline(t), shoptest.Rows(t, "../cli/testdata/shop.csv"), testRule()
	events := producerEvents(rows, 3)
	var r *Roles
	for part := range 4 {
		r = begin(t, p, rule)
		var records []*kgo.Record
		for _, e := range events[len(events)*part/4 : len(events)*(part+1)/4] {
			records = append(records, &kgo.Record{Topic: p.Broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
		}
		produce(t, p, records)
		if part < 3 {
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	shoptest.SameAlerts(t, finish(t, p, r, rule), shoptest.BruteForce(rows, 10, 5))
	agrees(t, p)
}

// Each part is read by instances of their own, the rules change before and in the
// middle of it, and verify counts all of it again in SQL.
func TestW7_W8_VerifyAgreesWhereTheRulesHaveChanged(t *testing.T) {
	p, rows := testPipeline(t), shoptest.Rows(t, "../cli/testdata/shop.csv")
	other, err := rules.New(2*time.Minute, []rules.Rule{
		{Name: "flash_sale", When: "views > 5 && conversion_rate < 20", Window: 20 * time.Minute, Slide: 2 * time.Minute},
		{Name: "in_carts", When: "carts > 0", Window: time.Hour, Slide: 10 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	var r *Roles
	events := producerEvents(rows, 6)
	for part := range 6 {
		rule := testRule()
		rule.ViewsOver += part % 2
		r = begin(t, p, rule)
		for half := range 2 {
			var records []*kgo.Record
			for _, e := range events[len(events)*(2*part+half)/12 : len(events)*(2*part+half+1)/12] {
				records = append(records, &kgo.Record{Topic: p.Broker.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
			}
			produce(t, p, records)
			if err := p.Broker.PutRulesInForce(deadline(t), other, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if part < 5 {
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	finish(t, p, r, testRule())
	agrees(t, p)
	var definitions, firing uint64
	if err := p.Warehouse.Conn().QueryRow(t.Context(), "SELECT uniqExact(rule), countIf(status = 'firing') FROM flash_sale_alerts").Scan(&definitions, &firing); err != nil {
		t.Fatal(err)
	}
	if definitions < 3 || firing > 0 {
		t.Errorf("alerts of %d rules, want those of 3 at least; %d are left firing", definitions, firing)
	}
}

func TestPipelineRefusesAnotherLog(t *testing.T) {
	p := testPipeline(t)
	other := *p.Engines
	other.Kafka = brokertest.Config(t)
	if _, err := OpenPipeline(t.Context(), &other, zerolog.Nop()); err == nil {
		t.Error("tables of one log were taken for another's")
	}
}
