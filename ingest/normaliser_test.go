package ingest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// produceInbound produces records to the inbound topic, spread over its partitions.
func produceInbound(t *testing.T, cfg *broker.Client, values ...[]byte) {
	t.Helper()
	cl, err := cfg.Open(append(broker.ProducerOptions(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var records []*kgo.Record
	for i, v := range values {
		records = append(records, &kgo.Record{
			Topic: cfg.Topics().Inbound, Partition: int32(i) % broker.DefaultPartitions, Key: []byte("any key"), Value: v,
		})
	}
	if err := cl.ProduceSync(testwait.Context(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

type runningNormaliser struct {
	*Normaliser
	*testwait.Running
}

func startNormaliser(t *testing.T, cfg *broker.Client, p *Producer) runningNormaliser {
	t.Helper()
	n, err := NewNormaliser(NormaliserConfig{Broker: cfg, Producer: p, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	return runningNormaliser{n, testwait.Run(t, n.Run)}
}

func waitNormalised(t *testing.T, cfg *broker.Client) {
	t.Helper()
	ctx := testwait.Context(t)
	ends, err := cfg.EndOffsets(ctx, cfg.Topics().Inbound)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.WaitCommitted(ctx, cfg.Group("normaliser"), cfg.Topics().Inbound, ends, nil); err != nil {
		t.Fatal(err)
	}
}

// Another member holds the join up for as long as the group allows, and the
// client's Close waits for it.
func TestTheNormaliserStopsWhileItJoins(t *testing.T) {
	server, settings := brokertest.Start(t, t.TempDir())
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	produceInbound(t, cfg, []byte(`{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u"}`))
	n := startNormaliser(t, cfg, p)
	waitNormalised(t, cfg)
	joining := brokertest.HoldJoins(server)
	testwait.Until(t, "it joins the group again", joining)
	n.StopSoon() // after a minute without Leave
}

// A member that has not left holds its partitions until its session times out.
func TestTheNormaliserLeavesItsGroupWhileTheLogTakesNothing(t *testing.T) {
	server, settings := brokertest.Start(t, t.TempDir())
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	n := startNormaliser(t, cfg, p)
	inbound := []byte(`{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u"}`)
	produceInbound(t, cfg, inbound)
	waitNormalised(t, cfg)
	requests, refused := 0, make(chan struct{})
	server.Cluster().ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		server.Cluster().KeepControl()
		requests++
		switch requests {
		case 1: // the inbound record
			return nil, nil, false
		case 2:
			close(refused)
		}
		return brokertest.RefuseProduce(r.(*kmsg.ProduceRequest), kerr.NotEnoughReplicas), nil, true
	})
	produceInbound(t, cfg, inbound)
	<-refused
	n.Stop()
	group := cfg.Group("normaliser")
	if members, err := cfg.Members(t.Context(), group); err != nil || members[group] > 0 {
		t.Errorf("the group has %d members after the only one has stopped (%v)", members[group], err)
	}
}

func TestInboundRecordsGetOntoTheLog(t *testing.T) {
	cfg, p := newPipeline(t)
	produceInbound(t, cfg,
		[]byte(`{"event_id":"evt_00000001","event_type":"view","timestamp":"2026-11-22T10:04:05.123456","user_id":"u1","session_id":"s1","product_id":"p1","referrer":"mail"}`),
		[]byte(`{"event_type":"view","timestamp":"2026-11-22 10:04:06","user_id":17,"product_id":"p1","source":"till"}`),
		nil,
		[]byte(`{"event_type":"view","user_id":"u1"}`),
		[]byte{},
	)
	n := startNormaliser(t, cfg, p)
	waitNormalised(t, cfg)
	n.Stop()
	if got, want := n.Stats(), (NormaliserStats{Read: 5, Accepted: 2, Rejected: 2}); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
	got := make(map[string]event.Event)
	for _, e := range brokertest.Events(t, cfg) {
		got[e.ID] = e
	}
	want := map[string]event.Event{
		"evt_00000001": {ID: "evt_00000001", Type: "view", Timestamp: 1795341845123, UserID: "u1", SessionID: "s1", ProductID: "p1",
			Source: "foreign", Quantity: 1, Properties: `{"referrer":"mail"}`},
		"rec1-ecom_clickstream_data-1-0": {ID: "rec1-ecom_clickstream_data-1-0", Type: "view", Timestamp: 1795341846000, UserID: "17", ProductID: "p1",
			Source: "till", Quantity: 1},
	}
	if !maps.Equal(got, want) {
		t.Errorf("on the log is\n%+v\nwant\n%+v", got, want)
	}
	var rejected []string
	for _, l := range brokertest.Rejected(t, cfg) {
		rejected = append(rejected, fmt.Sprintf("%s %s-%d@%d %s", l.Kind, l.Name, l.Partition, l.Position, l.Reason))
	}
	slices.Sort(rejected)
	data := cfg.Topics().Inbound
	if want := []string{"topic " + data + "-3@0 missing_field", "topic " + data + "-4@0 bad_json"}; !slices.Equal(rejected, want) {
		t.Errorf("rejected are %q, want %q", rejected, want)
	}
}

func views(n int) [][]byte {
	var values [][]byte
	for i := range n {
		values = append(values, fmt.Appendf(nil, `{"event_type":"view","timestamp":"2026-11-22T10:04:05","user_id":"u%d","product_id":"p%d"}`, i, i%50))
	}
	return values
}

// A normaliser whose commits are lost stands for one that was killed.
func TestI4_RecordsReadAgainGiveTheSameEvents(t *testing.T) {
	cfg, p := newPipeline(t)
	produceInbound(t, cfg, views(3000)...)
	first := startNormaliser(t, cfg, p)
	waitNormalised(t, cfg)
	first.Stop()
	forgetCommits(t, cfg)
	second := startNormaliser(t, cfg, p)
	testwait.Until(t, "the second has accepted all", func() bool { return second.Stats().Accepted == 3000 })
	second.Stop()
	events := brokertest.Events(t, cfg)
	if ids := identities(events); len(events) != 6000 || len(ids) != 3000 {
		t.Errorf("%d events with %d identities, want 6000 with 3000", len(events), len(ids))
	}
}

func forgetCommits(t *testing.T, cfg *broker.Client) {
	t.Helper()
	cl, err := cfg.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	offsets := make(kadm.Offsets)
	for p := range broker.DefaultPartitions {
		offsets.AddOffset(cfg.Topics().Inbound, p, 0, -1)
	}
	if err := kadm.NewClient(cl.Client).CommitAllOffsets(testwait.Context(t), cfg.Group("normaliser"), offsets); err != nil {
		t.Fatal(err)
	}
}

func TestNormalisersShareTheWork(t *testing.T) {
	cfg, p := newPipeline(t)
	a := startNormaliser(t, cfg, p)
	produceInbound(t, cfg, views(2000)...)
	b := startNormaliser(t, cfg, p)
	for range 5 {
		produceInbound(t, cfg, views(2000)...)
	}
	// One leaves in the middle, the other takes over.
	testwait.Until(t, "one of them reads", func() bool { return a.Stats().Read > 0 || b.Stats().Read > 0 })
	a.Stop()
	waitNormalised(t, cfg)
	b.Stop()
	// Records of one content in different places are different events.
	if ids := identities(brokertest.Events(t, cfg)); len(ids) != 12_000 {
		t.Errorf("%d identities on the log, want 12000", len(ids))
	}
}
