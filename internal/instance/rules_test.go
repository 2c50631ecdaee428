package instance

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
)

// serveBy runs a collector that is started with a rule set, or with none.
func serveBy(t *testing.T, b broker.Config, set *rules.Set) (r *Roles, dir string) {
	t.Helper()
	cfg, err := ServeConfig{Rules: set, Location: time.UTC, Roles: []string{"collector"}, CollectorAddr: "127.0.0.1:0"}.Checked()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "folder")
	e, err := Open(t.Context(), Config{Kafka: b, ClickHouse: warehouse.Config{}, Dir: dir, Sharing: StartAlone, BrokerOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if r, err = e.NewRoles(t.Context(), zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.ErrorLevel)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	if err := r.Serve(cfg); err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestW8_AnInstancePutsItsRulesInForceBeforeItTakesEventsAndOnce(t *testing.T) {
	cfg := brokertest.Config(t)
	cfg.Partitions = 3
	cl := brokertest.OpenAt(t, cfg, broker.ProducerOptions()...)
	inForce := func(set *rules.Set) bool {
		sets, err := cl.RuleSets(testwait.Context(t))
		return err == nil && sets.InForceIn(3, set.Hash())
	}
	rule := event.DefaultRule()
	rule.ViewsOver = 7
	first, err := rules.FlashSale(rule)
	if err != nil {
		t.Fatal(err)
	}
	a, dir := serveBy(t, cfg, first)
	waitState(t, dir, "collector", Running)
	accepts(t, dir)
	if !inForce(first) {
		t.Error("an event was taken before the rules were in force")
	}
	changed := 0
	ends, err := cl.EndOffsets(t.Context(), cl.Topics().Events)
	if err == nil {
		err = cl.ReadLog(t.Context(), cl.Topics().Events, nil, ends, func(r *kgo.Record) error {
			if _, ok := broker.ParseRules(r); ok && r.Offset == 0 {
				changed++
			}
			return nil
		})
	}
	if err != nil || changed != 3 {
		t.Errorf("%d partitions begin with the change: %v", changed, err)
	}
	// An instance without rules of its own changes nothing, nor does one that is
	// started again with other roles waiting for it; the last one with rules wins.
	b, dir := serveBy(t, cfg, nil)
	waitState(t, dir, "event log", Running)
	if !inForce(first) {
		t.Error("an instance without rules has changed them")
	}
	c, dir := serveBy(t, cfg, rules.Default())
	waitState(t, dir, "event log", Running)
	if !inForce(rules.Default()) {
		t.Error("the last instance's rules are not in force")
	}
	for _, r := range []*Roles{a, b, c} {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestW8_AnInstanceFinishesWhatWasHalfPutInForce(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 3})
	rule := event.DefaultRule()
	rule.ViewsOver = 7
	set, err := rules.FlashSale(rule)
	if err != nil {
		t.Fatal(err)
	}
	// As an instance leaves it that is killed after the first partition.
	if err := s.Broker.StoreRules(testwait.Context(t), set); err != nil {
		t.Fatal(err)
	}
	s.Produce(
		&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte("begun " + s.ID.TopicID + " " + set.Hash()), Value: []byte("2026-11-22T10:00:00.000Z")},
		broker.RulesRecord(s.ID.Topic, 0, event.RulesChange{Hash: set.Hash(), At: 1}),
	)
	_, dir := serveBy(t, s.Broker.Config(), nil)
	waitState(t, dir, "event log", Running)
	sets, err := s.Broker.RuleSets(testwait.Context(t))
	if err != nil || !sets.InForceIn(3, set.Hash()) {
		t.Errorf("%+v, %v", sets.Changes(), err)
	}
}
