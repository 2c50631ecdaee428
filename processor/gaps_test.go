package processor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/processor/windows/windowstest"
)

func committed(s *brokertest.Shop) map[int32]broker.Commit {
	s.Helper()
	commits, err := s.Broker.CommittedOffsets(s.Context(), s.Broker.Group("processor"), s.ID.Topic)
	if err != nil {
		s.Fatal(err)
	}
	return commits
}

func endsOf(s *brokertest.Shop, topic string) broker.Offsets {
	s.Helper()
	ends, err := s.Broker.EndOffsets(s.Context(), topic)
	if err != nil {
		s.Fatal(err)
	}
	return ends
}

func TestM6_W6_WhatRetentionCutIsReportedBeforeItIsReadOnAndItsWindowsAreNotJudged(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(4, 6000)
	produce(s, arrivals[:2000]...)
	first := start(s, smallRule, nil)
	ends := endsOf(s, s.ID.Topic)
	if err := WaitAcknowledged(testwait.Context(t), s.Broker, ends); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	commits, emitted := committed(s), endsOf(s, s.Broker.Topics().Alerts)
	produce(s, arrivals[2000:]...)
	before := broker.Offsets{}
	var want []broker.Gap
	for p, end := range ends {
		before[p] = end + 20
		want = append(want, broker.Gap{Topic: s.ID.Topic, TopicID: s.ID.TopicID, Partition: p, From: commits[p].Offset, To: before[p], Reason: broker.Retention})
	}
	brokertest.Cut(t, s.Broker, s.ID.Topic, before)

	var got []broker.Gap
	reports := 0
	refused := errors.New("not recorded")
	run := func() *Processor {
		var p *Processor
		p, err := newBy(smallRule, Config{Broker: s.Broker, OnGaps: func(_ context.Context, gaps []broker.Gap) error {
			if events := p.Stats().Events; events != 0 {
				t.Errorf("%d events were read before the gaps were recorded", events)
			}
			if reports++; reports == 1 {
				return refused
			}
			got = append(got, gaps...)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if err := testwait.Run(t, run().Run).Wait(); !errors.Is(err, refused) {
		t.Fatalf("where a gap cannot be recorded Run returns %v", err)
	}
	if now := committed(s); now[0] != commits[0] {
		t.Errorf("where a gap cannot be recorded the commit became %+v, it was %+v", now[0], commits[0])
	}
	for range 2 { // the second finds no gap
		p := run()
		r := running{p, testwait.Run(t, p.Run), t}
		r.close()
		r.Stop()
	}
	byPartition := func(a, b broker.Gap) int { return int(a.Partition - b.Partition) }
	slices.SortFunc(want, byPartition)
	slices.SortFunc(got, byPartition)
	if !slices.Equal(got, want) {
		t.Errorf("reported are %v, want %v", got, want)
	}

	left := map[string]event.Alert{}
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		if a, err := event.DecodeAlert(r.Value); err == nil && r.Offset < emitted[r.Partition] && a.Version >= left[a.ID].Version {
			left[a.ID] = a
		}
	})
	if wantAbandoned(s, left) == 0 {
		t.Error("no alert was firing when the log was cut")
	}
	after := map[int32][]event.Alert{}
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		if r.Offset < emitted[r.Partition] {
			return
		}
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if last := left[a.ID]; last.Status == event.Firing && a == abandoned(last) {
			return // its window is not judged any more
		}
		after[r.Partition] = append(after[r.Partition], a)
	})
	confirmed := 0
	for n, log := range logs(s) {
		c := windowstest.NewEmitted(t, windowstest.Model{Rule: smallRule, Log: log, Cut: true})
		c.Add(after[n])
		c.Finish()
		confirmed += len(c.Latest())
	}
	if confirmed == 0 {
		t.Error("no window after the gap is judged")
	}
}

func TestItBeginsAgainWhereTheBrokerSaysThatTheLogLostItsEnd(t *testing.T) {
	s, b, _ := outageShop(t)
	produce(s, someHours(8, 500)...)
	var log testwait.Output
	p, err := newBy(smallRule, Config{Broker: s.Broker, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	r := testwait.Run(t, p.Run)
	testwait.Until(t, "everything is read", func() bool { return p.Stats().Events > 500 })
	counted := p.Stats().Events
	for partition := range s.ID.Partitions {
		brokertest.LoseEnd(t, b, s.Broker, s.ID.Topic, partition)
	}
	testwait.Until(t, "the loss is reported", func() bool { return strings.Contains(log.String(), "lost records") })
	produce(s, someHours(9, 500)...)
	testwait.Until(t, "what comes next is read", func() bool { return p.Stats().Events > counted+500 })
	r.Stop()
}
