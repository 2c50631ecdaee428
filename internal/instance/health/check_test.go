package health

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/instance"
	"clickstream/internal/testwait"
	"clickstream/processor/notifier"
	"clickstream/processor/notifier/webhook"
	"clickstream/warehouse/warehousetest"
)

// pipeline has events on its log and tables of its own.
func pipeline(t *testing.T, b broker.Config) *instance.Pipeline {
	t.Helper()
	e, err := instance.Open(t.Context(), instance.Config{
		Sharing: instance.JoinOnly, Dir: t.TempDir(), Kafka: b, ClickHouse: warehousetest.Database(t).Config(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := instance.OpenPipeline(t.Context(), e, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

const events = 50

func appendEvents(t *testing.T, b broker.Config) {
	t.Helper()
	cl, err := broker.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range events {
		e := event.Event{ID: fmt.Sprint("e", i), Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), UserID: "u", ProductID: fmt.Sprint("p", i), Quantity: 1}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: b.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func role(t *testing.T, r Report, name string) Role {
	t.Helper()
	for _, role := range r.Roles {
		if role.Name == name {
			return role
		}
	}
	t.Fatalf("no role %s in %+v", name, r.Roles)
	return Role{}
}

func has(r Report, text string) bool { return strings.Contains(strings.Join(r.Unwell, "\n"), text) }

func TestALogThatNoRoleReadsIsUnwell(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	appendEvents(t, p.Kafka)
	r := Check(t.Context(), Config{Engines: p.Engines})
	for _, name := range []string{"mirror", "processor"} {
		got := role(t, r, name)
		if got.State != notRunning || got.Members == nil || *got.Members != 0 || got.Lag == nil || *got.Lag != events || !has(r, name+": no instance runs it") {
			t.Errorf("%s is %+v; unwell: %q", name, got, r.Unwell)
		}
	}
	if r.Healthy || !has(r, "normaliser: no instance runs it") || *r.Records != events || *r.Events != 0 {
		t.Errorf("healthy %t with %d records and %d events stored", r.Healthy, *r.Records, *r.Events)
	}
}

// What a mirror has committed for other tables says nothing about these.
func TestCommitsOfAnotherTableSetDoNotCount(t *testing.T) {
	b := brokertest.Config(t)
	first := pipeline(t, b)
	appendEvents(t, b)
	roles := first.NewRoles(t.Context())
	roles.RunMirror()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := first.WaitStored(ctx, nil); err != nil {
		t.Fatal(roles.Explain(err))
	}
	check := Config{Engines: first.Engines, Roles: []string{"mirror"}}
	if r := Check(t.Context(), check); !r.Healthy || *role(t, r, "mirror").Lag != 0 || *role(t, r, "mirror").Members != 1 || *r.Events != events {
		t.Errorf("everything is stored, but %q, %+v", r.Unwell, r.Roles)
	}
	if err := roles.Stop(); err != nil {
		t.Fatal(err)
	}
	check.Engines = pipeline(t, b).Engines
	if r := Check(t.Context(), check); *role(t, r, "mirror").Lag != events || r.Healthy {
		t.Errorf("nothing is stored in these tables, but lag %d", *role(t, r, "mirror").Lag)
	}
}

// A member that reads and commits nothing.
func TestALagThatDoesNotShrinkIsUnwell(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	appendEvents(t, p.Kafka)
	joined := make(chan struct{}, 100)
	cl, err := p.Broker.Open(append(broker.ConsumerOptions(), kgo.ConsumerGroup(p.Broker.Group("processor")), kgo.ConsumeTopics(p.Broker.Topics().Events),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	<-joined
	r := Check(t.Context(), Config{Engines: p.Engines, Roles: []string{"processor"}, LagWait: 300 * time.Millisecond})
	if got := role(t, r, "processor"); r.Healthy || *got.Members != 1 || !has(r, "processor: its lag of 50 records has not shrunk for 300ms") {
		t.Errorf("%+v; unwell: %q", got, r.Unwell)
	}
}

func TestTheNotifiersLagIsThatOfTheAlertsTopic(t *testing.T) {
	b := brokertest.Config(t)
	p := pipeline(t, b)
	s := brokertest.NewShop(t, brokertest.Options{Broker: b})
	start := time.Now().UTC().Truncate(time.Minute)
	fires := func(product string) {
		s.Produce(s.Alert(event.Alert{
			ID: event.DefaultRule().AlertID(product, event.MillisOf(start)), Rule: event.DefaultRule().String(), ProductID: product, WindowStart: start,
			WindowEnd: start.Add(10 * time.Minute), Status: event.Firing, Views: 101, Exact: true,
		}))
	}
	fires("p1")
	fires("p2")
	check := Config{Engines: p.Engines, Roles: []string{"notifier"}}
	if r := Check(t.Context(), check); r.Healthy || *role(t, r, "notifier").Members != 0 || *role(t, r, "notifier").Lag != 2 || !has(r, "notifier: no instance runs it") {
		t.Errorf("nobody notifies, but %q, %+v", r.Unwell, r.Roles)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	n, err := notifier.New(notifier.Config{Broker: p.Broker, Receivers: []webhook.Receiver{{Name: "webhook", Format: webhook.JSON, URL: receiver.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	notifies := testwait.Run(t, n.Run)
	defer notifies.Stop()
	testwait.Until(t, "the alerts are decided", func() bool {
		r := Check(t.Context(), check)
		return r.Healthy && *role(t, r, "notifier").Members == 1 && *role(t, r, "notifier").Lag == 0
	})
}

func TestAnUnreachableEngineIsUnknownAndNotEmpty(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	appendEvents(t, p.Kafka)
	tables := *p.Engines
	tables.ClickHouse.Addr = []string{"127.0.0.1:1"}
	r := Check(t.Context(), Config{Engines: &tables})
	if r.ClickHouse.State != Unreachable || r.Events != nil || r.Alerts != nil || role(t, r, "mirror").Lag != nil || len(r.Jobs) != 0 || !has(r, "ClickHouse: open") {
		t.Errorf("without ClickHouse: %+v", r)
	}
	if r.Broker.State != Reachable || *role(t, r, "processor").Lag != events {
		t.Errorf("the broker answers: %+v", r)
	}
	log := *p.Engines
	log.Kafka.Brokers = []string{"127.0.0.1:1"}
	r = Check(t.Context(), Config{Engines: &log})
	if r.Broker.State != Unreachable || r.Records != nil || role(t, r, "mirror").Lag != nil || role(t, r, "mirror").Members != nil || !has(r, "broker: ") {
		t.Errorf("without the broker: %+v", r)
	}
	if r.ClickHouse.State != Reachable || *r.Events != 0 {
		t.Errorf("ClickHouse answers: %+v", r)
	}
}

// A record that was stamped by a wrong clock holds its partition's watermark up.
func TestARecordReceivedAheadOfNowIsUnwell(t *testing.T) {
	_, b := brokertest.Start(t, t.TempDir()) // it takes the producer's time
	p := pipeline(t, b)
	e := event.Event{ID: "e", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), UserID: "u", ProductID: "p", Quantity: 1}
	record := &kgo.Record{Topic: b.Topics().Events, Key: []byte(e.Key()), Value: e.AppendJSON(nil), Timestamp: time.Now().Add(30 * time.Minute)}
	if err := p.Broker.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	roles := p.NewRoles(t.Context())
	roles.RunMirror()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.WaitStored(ctx, nil); err != nil {
		t.Fatal(roles.Explain(err))
	}
	r := Check(t.Context(), Config{Engines: p.Engines, Roles: []string{"mirror"}})
	if r.Healthy || !has(r, "clock: the newest event was received 30m ahead of now") || r.NewestText(time.Now()) != "newest received 30m ahead of now" {
		t.Errorf("unwell: %q; %s", r.Unwell, r.NewestText(time.Now()))
	}
	if err := roles.Stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatTheFoldersProcessorDoesNotRememberIsInTheReport(t *testing.T) {
	if r := Check(t.Context(), Config{Engines: pipeline(t, brokertest.Config(t)).Engines}); r.Unremembered != nil {
		t.Errorf("without an instance in the folder: %+v", r.Unremembered)
	}
	want := instance.Unremembered{IDs: 3, Products: 5}
	r := Report{}
	r.describe(&instance.Description{PID: 7, Unremembered: &want, Waiting: new(2)})
	if r.Instance.PID != 7 || r.Unremembered == nil || *r.Unremembered != want || r.Waiting == nil || *r.Waiting != 2 {
		t.Errorf("the report has %+v and %v, want %+v and 2", r.Unremembered, r.Waiting, want)
	}
}
