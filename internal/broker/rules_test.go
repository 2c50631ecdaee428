package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func TestW8_ChangesOfRulesAreReadAsTheyWereWritten(t *testing.T) {
	change := event.RulesChange{Hash: rules.Default().Hash(), At: event.MillisOf(time.Date(2026, 11, 22, 10, 0, 0, 5e6, time.UTC))}
	r := broker.RulesRecord("log", 3, change)
	if got, ok := broker.ParseRules(r); !ok || got != change || r.Partition != 3 || r.Topic != "log" || r.Key != nil || r.Value != nil {
		t.Errorf("got %+v %v from %+v", got, ok, r)
	}
	if _, ok := broker.ParseTick(r); ok {
		t.Error("it is taken for a tick")
	}
	if _, ok := broker.ParseRules(broker.TickRecord("log", 3, event.Tick{})); ok {
		t.Error("a tick is taken for a change of rules")
	}
	hash, at := r.Headers[0], r.Headers[1]
	for name, bad := range map[string]*kgo.Record{
		"no headers":   {},
		"hash alone":   {Headers: []kgo.RecordHeader{hash}},
		"time alone":   {Headers: []kgo.RecordHeader{at}},
		"no hash":      {Headers: []kgo.RecordHeader{{Key: "rules", Value: []byte("x")}, at}},
		"no time":      {Headers: []kgo.RecordHeader{hash, {Key: "applied_at", Value: []byte("now")}}},
		"also a tick":  {Headers: []kgo.RecordHeader{hash, at, {Key: "tick", Value: []byte("1")}}},
		"with a key":   {Key: []byte("k"), Headers: r.Headers},
		"with a value": {Value: []byte{}, Headers: r.Headers},
	} {
		if got, ok := broker.ParseRules(bad); ok {
			t.Errorf("%s: taken for the change %+v", name, got)
		}
	}
}

func TestW8_RuleSetsAreFoundByTheirHash(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 3})
	set, err := rules.New(time.Minute, []rules.Rule{{Name: "carts", When: "carts > 3", Window: time.Hour, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Broker.RuleSets(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := found.Lookup(set.Hash()); err == nil || !strings.Contains(err.Error(), "rule set "+set.Hash()+" is in force on the log and not in topic "+s.Broker.Topics().Rules) {
		t.Errorf("a set that is not stored: %v", err)
	}
	if got, err := found.Lookup(rules.Default().Hash()); err != nil || got.Hash() != rules.Default().Hash() {
		t.Errorf("the default set: %v", err)
	}

	for range 2 { // the second time changes nothing
		if err := s.Broker.StoreRules(deadline(t), set); err != nil {
			t.Fatal(err)
		}
	}
	newer := strings.Repeat("a", 32)
	misplaced := strings.Repeat("b", 32)
	s.Produce(
		&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte(newer), Value: []byte(`{"version":2}`)},
		&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte(misplaced), Value: set.AppendJSON(nil)},
	)
	if found, err = s.Broker.RuleSets(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if got, err := found.Lookup(set.Hash()); err != nil || !slices.Equal(got.Rules(), set.Rules()) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := found.Lookup(newer); err == nil || !strings.Contains(err.Error(), "run a newer one") {
		t.Errorf("a set of a newer version: %v", err)
	}
	if _, err := found.Lookup(misplaced); err == nil || !strings.Contains(err.Error(), "under another hash") {
		t.Errorf("a set under another hash: %v", err)
	}
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte(set.Hash())})
	if found, err = s.Broker.RuleSets(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := found.Lookup(set.Hash()); err == nil {
		t.Error("a set that was deleted is found")
	}
}
