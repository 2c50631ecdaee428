package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
)

var applied = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// viewsOver is a set of one rule.
func viewsOver(t *testing.T, n int) *rules.Set {
	t.Helper()
	set, err := rules.New(time.Minute, []rules.Rule{{Name: "many", When: fmt.Sprintf("views > %d", n), Window: time.Hour, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func ruleSets(t *testing.T, cl *broker.Client) *broker.RuleSets {
	t.Helper()
	sets, err := cl.RuleSets(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// onLog are the changes that the log itself holds.
func onLog(s *brokertest.Shop) (found []broker.RulesPut) {
	s.Read(s.ID.Topic, func(r *kgo.Record) {
		if change, ok := broker.ParseRules(r); ok {
			found = append(found, broker.RulesPut{RulesChange: change, Partition: r.Partition, Offset: r.Offset})
		}
	})
	slices.SortStableFunc(found, func(a, b broker.RulesPut) int { return int(a.Partition - b.Partition) })
	return found
}

func view(s *brokertest.Shop, product string) *kgo.Record {
	return s.Event(event.Event{ID: "e", Type: event.TypeView, Timestamp: event.MillisOf(applied), UserID: "u", ProductID: product, Quantity: 1}, applied)
}

func TestW8_ASetIsPutInForceOnEachPartitionAndTheIndexSaysWhere(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 3})
	reader := brokertest.OpenAt(t, s.Broker.Config()) // no producer
	first, second := viewsOver(t, 1), viewsOver(t, 2)
	if sets := ruleSets(t, reader); len(sets.Changes()) > 0 || sets.InForce(0, 100) != rules.Default().Hash() || !sets.InForceIn(3, rules.Default().Hash()) {
		t.Errorf("changes on a log without any: %+v", sets.Changes())
	}
	between := view(s, "p")
	for i, step := range []struct {
		set     *rules.Set
		changes bool
	}{{rules.Default(), false}, {first, true}, {first, false}, {second, true}} {
		changed, err := reader.ApplyRules(deadline(t), step.set, applied.Add(time.Duration(i)*time.Hour))
		if err != nil || changed != step.changes {
			t.Fatalf("step %d: changed %v, %v", i, changed, err)
		}
		if i == 2 {
			s.Produce(between)
		}
	}
	sets, want := ruleSets(t, reader), onLog(s)
	if len(want) != 6 || !slices.Equal(sets.Changes(), want) {
		t.Fatalf("the index says\n%+v\nand the log\n%+v", sets.Changes(), want)
	}
	for n := range int32(3) {
		second0 := int64(1) // the offset of the second change
		if n == between.Partition {
			second0 = 2
		}
		for before, hash := range map[int64]string{
			0: rules.Default().Hash(), 1: first.Hash(), second0: first.Hash(), second0 + 1: second.Hash(), 1 << 40: second.Hash(),
		} {
			if got := sets.InForce(n, before); got != hash {
				t.Errorf("before offset %d of partition %d, %s is in force, not %s", before, n, got, hash)
			}
		}
	}
	if got := sets.InForce(3, 100); got != rules.Default().Hash() {
		t.Errorf("%s is in force in a partition without a change", got)
	}
	// Retention cuts the log, not the index.
	brokertest.Cut(t, s.Broker, s.ID.Topic, broker.Offsets{0: 2, 1: 2, 2: 2})
	if got := ruleSets(t, reader).Changes(); !slices.Equal(got, want) {
		t.Errorf("where the log is cut the index says\n%+v\nnot\n%+v", got, want)
	}
}

// An instance is killed when the control records are on the log and the index does
// not say so yet.
func TestW8_WhatWasHalfPutInForceIsKnownAndDoneAgain(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := brokertest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 3})
	first, second := viewsOver(t, 1), viewsOver(t, 2)
	if err := s.Broker.PutRulesInForce(deadline(t), first, applied); err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var produced, killed atomic.Int64
	b.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		if produced.Add(1); produced.Load() <= 2 || killed.Load() > 0 { // the set; the control records
			b.Cluster().KeepControl()
			return nil, nil, false
		}
		kill()
		killed.Add(1)
		return nil, errors.New("the connection is closed"), true
	})
	if err := s.Broker.PutRulesInForce(ctx, second, applied); err == nil {
		t.Fatal("it was put in force and the index written")
	}
	found := onLog(s)
	if len(found) != 6 || found[1].Hash != second.Hash() {
		t.Fatalf("on the log are %+v", found)
	}
	// To go back to the first is a change although the index may not know it.
	if sets := ruleSets(t, s.Broker); sets.Begun() != second.Hash() || sets.InForceIn(3, first.Hash()) {
		t.Errorf("begun %q; changes %+v", sets.Begun(), sets.Changes())
	}
	if changed, err := s.Broker.ApplyRules(deadline(t), first, applied); err != nil || !changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	if sets := ruleSets(t, s.Broker); sets.Begun() != "" || !sets.InForceIn(3, first.Hash()) {
		t.Errorf("begun %q; changes %+v", sets.Begun(), sets.Changes())
	}
}

func TestW8_ASetInForceThatIsGoneFromItsTopicIsStoredAgain(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 1})
	set := viewsOver(t, 1)
	if err := s.Broker.PutRulesInForce(deadline(t), set, applied); err != nil {
		t.Fatal(err)
	}
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte(set.Hash())})
	if _, err := s.Broker.ApplyRules(deadline(t), set, applied); err != nil {
		t.Fatal(err)
	}
	if _, err := ruleSets(t, s.Broker).Lookup(set.Hash()); err != nil {
		t.Error(err)
	}
}

func TestW8_AnotherLogOfTheSameNameHasNoChangesOfTheFirst(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 1})
	if err := s.Broker.PutRulesInForce(deadline(t), viewsOver(t, 1), applied); err != nil {
		t.Fatal(err)
	}
	adm := kadm.NewClient(s.Broker.Client)
	deleted, err := adm.DeleteTopics(deadline(t), s.ID.Topic)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	again := brokertest.OpenAt(t, s.Broker.Config())
	testwait.Until(t, "the topic is created again", func() bool {
		id, err := again.EnsureTopics(deadline(t))
		return err == nil && id.TopicID != s.ID.TopicID
	})
	sets := ruleSets(t, again)
	if len(sets.Changes()) > 0 || sets.InForce(0, 9) != rules.Default().Hash() {
		t.Errorf("%+v", sets.Changes())
	}
	if _, err := sets.Lookup(viewsOver(t, 1).Hash()); err != nil {
		t.Errorf("the set itself is kept: %v", err)
	}
}

// fillSets has each of n sets judge an event in partition 0, at times a minute
// apart, without the check of ApplyRules.
func fillSets(t *testing.T, s *brokertest.Shop, n int) {
	t.Helper()
	for i := range n {
		s.Produce(view(s, "p"))
		if err := s.Broker.PutRulesInForce(deadline(t), viewsOver(t, i+1), applied.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	s.Produce(view(s, "p"))
}

func TestW8_ASetThatCouldBePassedOverIsRefusedUntilTheOldestHasClosed(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 1})
	fillSets(t, s, 7) // and the default set
	now := applied.Add(10 * time.Minute)
	before := len(onLog(s))
	// The default set: 10 minutes, a minute of lateness and 5 minutes after it was replaced.
	changed, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, 8), now)
	if err == nil || changed || !strings.Contains(err.Error(), "8 sets may still have open windows") || !strings.Contains(err.Error(), "after 2026-11-22T10:16:01Z") {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if _, err := ruleSets(t, s.Broker).Lookup(viewsOver(t, 8).Hash()); err == nil || len(onLog(s)) != before || ruleSets(t, s.Broker).Begun() != "" {
		t.Error("the set that is refused was written")
	}
	if changed, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, 7), now); err != nil || changed {
		t.Errorf("the set in force: changed %v, %v", changed, err)
	}
	if changed, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, 8), applied.Add(16*time.Minute)); err != nil || !changed {
		t.Errorf("when the oldest has closed: changed %v, %v", changed, err)
	}
}

func TestW8_AChangeThatMayHaveBeenPassedOverIsPutAgain(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 1})
	fillSets(t, s, 8) // the last is the ninth with the default set
	last := viewsOver(t, 8)
	if changed, err := s.Broker.ApplyRules(deadline(t), last, applied.Add(10*time.Minute)); err == nil || changed {
		t.Errorf("while it would be passed over again: changed %v, %v", changed, err)
	}
	later := applied.Add(2 * time.Hour)
	for _, changes := range []bool{true, false} {
		if changed, err := s.Broker.ApplyRules(deadline(t), last, later); err != nil || changed != changes {
			t.Errorf("changed %v, %v; want %v", changed, err, changes)
		}
	}
}

func TestW8_SetsThatJudgeNoEventTakeNoPlace(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 2})
	for i := range 20 {
		if changed, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, i), applied); err != nil || !changed {
			t.Fatalf("change %d: changed %v, %v", i, changed, err)
		}
	}
}

func TestW8_ASetThatIsNotKnownMayHaveTheLongestWindows(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 1})
	fillSets(t, s, 7)
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Rules, Key: []byte(viewsOver(t, 1).Hash())})
	day := applied.Add(25 * time.Hour)
	if _, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, 8), day); err != nil {
		t.Errorf("the default set has closed and leaves a place: %v", err)
	}
	s.Produce(view(s, "p"))
	_, err := s.Broker.ApplyRules(deadline(t), viewsOver(t, 9), day)
	if err == nil || !strings.Contains(err.Error(), "after 2026-11-24T10:06:01Z") {
		t.Errorf("the set that is not known: %v", err)
	}
}
