package health

import (
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/instance"
	"clickstream/internal/testwait"
)

func TestTablesOfAnotherLogAreUnwell(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	r := Check(t.Context(), Config{Engines: p.Engines})
	id, err := p.Broker.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Log{Topic: p.Broker.Topics().Events, ClusterID: id.ClusterID, TopicID: id.TopicID, Partitions: 12}
	if r.Log == nil || *r.Log != want || id.TopicID == "" {
		t.Errorf("the log is %+v, want %+v", r.Log, want)
	}
	if has(r, "another log") {
		t.Errorf("unwell: %q", r.Unwell)
	}

	other := *p.Engines
	_, other.Kafka = brokertest.Start(t, t.TempDir())
	brokertest.NewShop(t, brokertest.Options{Broker: other.Kafka})
	r = Check(t.Context(), Config{Engines: &other})
	if !has(r, "log: database "+other.ClickHouse.Database+" belongs to another log") || r.Log.Error == "" {
		t.Errorf("another log: unwell %q, %+v", r.Unwell, r.Log)
	}
}

func TestOtherTableSetsOfTheLogAreShown(t *testing.T) {
	b := brokertest.Config(t)
	first, second := pipeline(t, b), pipeline(t, b)
	appendEvents(t, b)
	roles := first.NewRoles(t.Context())
	roles.RunMirror()
	if err := first.WaitStored(testwait.Context(t), nil); err != nil {
		t.Fatal(roles.Explain(err))
	}
	var ids []string
	for _, p := range []*instance.Pipeline{first, second} {
		id, err := p.Warehouse.TableSet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(id))
	}
	if r := Check(t.Context(), Config{Engines: first.Engines}); r.TableSet != ids[0] || r.OtherTableSets == nil || len(r.OtherTableSets) != 0 {
		t.Errorf("of the first: tables %q of %q, others %v", r.TableSet, ids[0], r.OtherTableSets)
	}
	r := Check(t.Context(), Config{Engines: second.Engines})
	if len(r.OtherTableSets) != 1 || r.OtherTableSets[0] != (TableSet{ids[0], 1}) || r.TableSet != ids[1] {
		t.Errorf("of the second: tables %q of %q, others %v", r.TableSet, ids[1], r.OtherTableSets)
	}
	if err := roles.Stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatAnswersIsShownWhereAPartitionHasNoLeader(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	p := pipeline(t, cfg)
	appendEvents(t, p.Kafka)
	topic := p.Broker.Topics().Events
	ends, err := p.Broker.EndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	elect := brokertest.Leaderless(t, b, p.Broker, topic, 3)
	r := Check(t.Context(), Config{Engines: p.Engines})
	if !has(r, "broker: 1 of 12 partitions of topic "+topic+" do not answer, the first is 3: LEADER_NOT_AVAILABLE") || r.Broker.State != Reachable {
		t.Errorf("unwell: %q", r.Unwell)
	}
	want := int64(events) - ends[3]
	for _, name := range []string{"mirror", "processor"} {
		if got := role(t, r, name); got.Lag == nil || *got.Lag != want || got.lagError != nil {
			t.Errorf("%s is %+v, want a lag of %d", name, got, want)
		}
	}
	if r.Records == nil || *r.Records != want {
		t.Errorf("%+v records, want %d", r.Records, want)
	}
	elect()
	if r := Check(t.Context(), Config{Engines: p.Engines}); has(r, "broker: ") || *r.Records != events {
		t.Errorf("unwell: %q, %d records", r.Unwell, *r.Records)
	}
}

func TestTheLagOfEachTopicIsShown(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	appendEvents(t, p.Kafka)
	topics := p.Broker.Topics()
	for topic, n := range map[string]int{topics.Alerts: 3, topics.Rejected: 4} {
		for range n {
			if err := p.Broker.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := role(t, Check(t.Context(), Config{Engines: p.Engines}), "mirror")
	want := map[string]int64{topics.Events: events, topics.Alerts: 3, topics.Rejected: 4}
	if !maps.Equal(got.Lags, want) || *got.Lag != events+7 {
		t.Errorf("lag %d, by topic %v; want %v", *got.Lag, got.Lags, want)
	}
}
