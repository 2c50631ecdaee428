package mirror_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// passOverFlag is what the error of a batch says how to pass over it.
var passOverFlag = regexp.MustCompile("--kafka-pass-over=([^,]+),")

// The way that the error names leads past the batch, leaves a gap, and loses
// nothing else.
func TestM6_ABatchThatCannotBeReadIsPassedOverAsTheErrorSays(t *testing.T) {
	tooLarge := func(s *warehousetest.Shop, _ string) {
		s.Helper()
		cl := brokertest.OpenAt(s, s.Broker.Config(), append(broker.ProducerOptions(), kgo.ProducerBatchMaxBytes(200<<20), kgo.MaxBufferedBytes(0), kgo.BrokerMaxWriteBytes(210<<20))...)
		if err := cl.ProduceSync(s.Context(), &kgo.Record{Topic: s.ID.Topic, Value: make([]byte, 80<<20)}).FirstErr(); err != nil {
			s.Fatal(err)
		}
	}
	damaged := func(s *warehousetest.Shop, dir string) {
		s.Helper()
		s.Produce(purchase(s, "damaged"))
		if first, next := brokertest.Damage(s, dir, s.ID.Topic, 0, 1, false); first != 1 || next != 2 {
			s.Fatalf("the batch holds %d to %d", first, next)
		}
	}
	for what, write := range map[string]func(s *warehousetest.Shop, dir string){"unpacks to more than 64 MiB": tooLarge, "is damaged: encoded crc": damaged} {
		dir := t.TempDir()
		_, cfg := brokertest.Start(t, dir)
		s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 1})
		s.Produce(purchase(s, "before"))
		write(s, dir)
		s.Produce(purchase(s, "after"))
		run := func() *testwait.Running {
			m, err := mirror.New(mirror.Config{Broker: brokertest.OpenAt(t, cfg), Warehouse: s.Tables, BatchDelay: 50 * time.Millisecond, Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			return testwait.Run(t, m.Run)
		}
		var way []string
		for range 2 { // at every start
			err := run().Wait()
			if err == nil || !strings.Contains(err.Error(), s.ID.Topic+"-0: the batch of offset 1 "+what) {
				t.Fatalf("the mirror ended with %v, want the place of a batch that %s", err, what)
			}
			if way = passOverFlag.FindStringSubmatch(err.Error()); way == nil {
				t.Fatalf("the mirror ended with %v, want the way out", err)
			}
			s.Want("SELECT count() FROM events", 1)
			s.Want("SELECT count() FROM log_gaps", 0)
		}
		var named broker.OffsetRange
		if err := named.UnmarshalText([]byte(way[1])); err != nil {
			t.Fatal(err)
		}
		cfg.PassOver = []broker.OffsetRange{named}
		running := run()
		s.WaitStored()
		running.Stop()
		s.Want("SELECT count() FROM events", 2)
		s.Want("SELECT count() FROM events WHERE event_id IN ('before', 'after')", 2)
		gaps, err := s.Tables.Gaps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := broker.Gap{Topic: s.ID.Topic, TopicID: s.ID.TopicID, From: 1, To: 2, Reason: broker.Damaged}
		if len(gaps) != 1 || gaps[0].Gap != want || gaps[0].AcceptedAt != nil {
			t.Errorf("recorded are %+v, want %+v", gaps, want)
		}
		// What can be read is read, whatever is named.
		cfg.PassOver = []broker.OffsetRange{{Topic: s.ID.Topic, Last: 100}}
		s.Produce(purchase(s, "later"))
		running = run()
		s.WaitStored()
		running.Stop()
		s.Want("SELECT count() FROM events", 3)
	}
}

func purchase(s *warehousetest.Shop, id string) *kgo.Record {
	return s.Event(event.Event{ID: id, Type: event.TypePurchase, Timestamp: event.MillisOf(time.Now()), Quantity: 1, ProductID: "p", UserID: "u"}, time.Now())
}

func TestM2_WhatWasReadBeforeADamagedBatchIsStored(t *testing.T) {
	dir := t.TempDir()
	_, cfg := brokertest.Start(t, dir)
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	for n := range 20 {
		produce(s, n, n+1)
	}
	first, _ := brokertest.Damage(t, dir, s.ID.Topic, 2, ends(s, s.ID.Topic)[2]-1, false)
	m := s.Mirror(func(c *mirror.Config) { c.BatchDelay = time.Hour })
	if err := m.Wait(); err == nil || !strings.Contains(err.Error(), s.ID.Topic+"-2: the batch of offset ") {
		t.Errorf("the mirror ended with %v", err)
	}
	s.Want("SELECT count() FROM event_log WHERE kafka_partition = 2", uint64(first))
	if stored := m.Stats().Stored[s.ID.Topic]; stored[2] != first {
		t.Errorf("stored are %v, want partition 2 up to %d", stored, first)
	}
}
