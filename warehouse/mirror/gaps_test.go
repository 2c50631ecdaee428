package mirror_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

// cut is brokertest.Cut of one of the shop's topics.
func cut(s *warehousetest.Shop, topic string, before broker.Offsets) {
	s.Helper()
	brokertest.Cut(s, s.Broker, topic, before)
}

// ends are the topic's end offsets.
func ends(s *warehousetest.Shop, topic string) broker.Offsets {
	s.Helper()
	ends, err := s.Broker.EndOffsets(s.Context(), topic)
	if err != nil {
		s.Fatal(err)
	}
	return ends
}

// plus is each offset and n more.
func plus(offsets broker.Offsets, n int64) broker.Offsets {
	sum := make(broker.Offsets)
	for p, offset := range offsets {
		sum[p] = offset + n
	}
	return sum
}

// wantGaps compares what is recorded of a topic.
func wantGaps(s *warehousetest.Shop, topic string, from, to broker.Offsets) {
	s.Helper()
	type gap struct {
		partition int32
		from, to  int64
	}
	var got, want []gap
	recorded, err := s.Tables.Gaps(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, g := range recorded {
		if g.NoticedBy != "mirror" || g.Topic != topic || g.TopicID == "" || g.Reason != broker.Retention || g.AcceptedAt != nil {
			s.Errorf("unexpected is %+v", g)
		}
		got = append(got, gap{g.Partition, g.From, g.To})
	}
	for p := range to {
		want = append(want, gap{p, from[p], to[p]})
	}
	order := func(a, b gap) int { return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.from, b.from)) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		s.Errorf("recorded gaps are %v, want %v", got, want)
	}
}

// left is how many records a topic still holds.
func left(s *warehousetest.Shop, topic string) (n uint64) {
	s.Helper()
	starts, err := s.Broker.StartOffsets(s.Context(), topic)
	if err != nil {
		s.Fatal(err)
	}
	for p, end := range ends(s, topic) {
		n += uint64(end - starts[p])
	}
	return n
}

func TestM6_WhatRetentionCutsWhileTheMirrorIsDownIsRecordedOnce(t *testing.T) {
	s := newShop(t)
	log := s.Broker.Topics().Events
	m := s.Mirror()
	produce(s, 0, 400)
	s.WaitStored()
	m.Stop()
	stored := ends(s, log)
	produce(s, 400, 1000)
	before := plus(stored, 30)
	cut(s, log, before)

	m = s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 400+left(s, log))
	s.Want("SELECT count() FROM event_log", 400+left(s, log))
	wantGaps(s, log, stored, before)
	if got := m.Stats().Gaps; got != int64(len(before)) {
		t.Errorf("%d gaps in the figures, want %d", got, len(before))
	}

	m = s.Mirror()
	produce(s, 1000, 1100)
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 400+left(s, log))
	wantGaps(s, log, stored, before)
}

// A mirror that is killed before its next commit finds its gap again, and it may
// have grown.
func TestM6_AGapThatIsFoundAgainIsNotRecordedAgain(t *testing.T) {
	s := newShop(t)
	log := s.Broker.Topics().Events
	m := s.Mirror()
	produce(s, 0, 400)
	s.WaitStored()
	m.Stop()
	stored := ends(s, log)
	produce(s, 400, 1000)
	// Nothing is left, so nothing is committed.
	all := ends(s, log)
	cut(s, log, all)
	for range 2 {
		m = s.Mirror()
		testwait.Until(t, "the gap is recorded", func() bool { return s.Number("SELECT count() FROM log_gaps") == 4 })
		m.Stop()
		wantGaps(s, log, stored, all)
	}

	produce(s, 1000, 1400)
	more := ends(s, log)
	cut(s, log, more)
	m = s.Mirror()
	testwait.Until(t, "the new gap is recorded", func() bool { return s.Number("SELECT count() FROM log_gaps") == 8 })
	m.Stop()
	s.Want("SELECT uniqExact(partition, to_offset) FROM log_gaps", 8)
	s.Want("SELECT toUInt64(sum(to_offset - from_offset)) FROM log_gaps", 1000)
	s.Want("SELECT count() FROM event_log", 400)
}

func TestM6_WhatWasCutBeforeItWasEverReadIsAGap(t *testing.T) {
	s := newShop(t)
	log := s.Broker.Topics().Events
	produce(s, 0, 400)
	before := plus(nil, 0)
	for p := range ends(s, log) {
		before[p] = 20
	}
	cut(s, log, before)
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", left(s, log))
	wantGaps(s, log, nil, before)
}

// Offsets without records inside a topic, as aborted transactions leave them, and
// what was cut after it was stored.
func TestM6_HolesAndWhatWasStoredBeforeItWasCutAreNoGap(t *testing.T) {
	s := newShop(t)
	log := s.Broker.Topics().Events
	abort := func() {
		cl := brokertest.OpenAt(t, s.Broker.Config(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(log))
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for n := range 50 {
			cl.Produce(t.Context(), s.Event(an(5000+n), time.Now()), nil)
		}
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	}
	abort()
	produce(s, 0, 200)
	abort()
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	cut(s, log, ends(s, log))
	abort()
	produce(s, 200, 300)
	m = s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", 300)
	wantGaps(s, log, nil, nil)
}

// held are tables that can be kept from storing rows or gaps.
type held struct {
	mirror.Tables
	rows, gaps atomic.Bool
	inserts    atomic.Int64 // that have begun
}

func (h *held) Connect(ctx context.Context) (mirror.Connection, error) {
	conn, err := h.Tables.Connect(ctx)
	return heldConnection{conn, h}, err
}

func (h *held) RecordGaps(ctx context.Context, noticedBy string, gaps []broker.Gap) ([]broker.Gap, error) {
	if h.gaps.Load() {
		return nil, context.DeadlineExceeded
	}
	return h.Tables.RecordGaps(ctx, noticedBy, gaps)
}

type heldConnection struct {
	mirror.Connection
	h *held
}

func (c heldConnection) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	c.h.inserts.Add(1)
	if c.h.rows.Load() {
		return context.DeadlineExceeded
	}
	return c.Connection.Insert(ctx, table, blocks)
}

func TestM6_OtherPartitionsAreReadWhileAGapCannotBeRecorded(t *testing.T) {
	s := newShop(t)
	log := s.Broker.Topics().Events
	produce(s, 0, 1000)
	cut(s, log, broker.Offsets{1: 30})
	h := &held{Tables: mirror.ClickHouse(s.Tables)}
	h.gaps.Store(true)
	m := s.Mirror(func(c *mirror.Config) { c.Warehouse, c.Tables = nil, h })
	ofOne := uint64(ends(s, log)[1] - 30)
	testwait.Until(t, "the others are stored", func() bool { return s.Number("SELECT count() FROM event_log") == left(s, log)-ofOne })
	s.Want("SELECT count() FROM event_log WHERE kafka_partition = 1", 0)

	h.gaps.Store(false)
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", left(s, log))
	wantGaps(s, log, nil, broker.Offsets{1: 30})
}

// What was read and not stored yet is no gap.
func TestM6_WhatRetentionCutsWhileTheMirrorRunsIsRecorded(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	var deaf atomic.Bool
	var refused atomic.Int64
	b.Cluster().ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		answer := r.ResponseKind().(*kmsg.FetchResponse)
		answer.ErrorCode = kerr.FetchSessionIDNotFound.Code
		if deaf.Load() {
			refused.Add(1)
		}
		return answer, nil, deaf.Load()
	})
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 4})
	log := s.Broker.Topics().Events
	produce(s, 0, 400)
	h := &held{Tables: mirror.ClickHouse(s.Tables)}
	h.rows.Store(true)
	m := s.Mirror(func(c *mirror.Config) {
		c.Warehouse, c.Tables = nil, h
		c.BatchRows, c.BatchDelay = 400, time.Hour
	})
	testwait.Until(t, "all is read", func() bool { return h.inserts.Load() > 0 })
	read := ends(s, log)
	deaf.Store(true)
	testwait.Until(t, "no fetch is under way", func() bool { return refused.Load() > 1 })
	produce(s, 400, 1000)
	before := plus(read, 30)
	cut(s, log, before)
	deaf.Store(false)
	testwait.Until(t, "the gaps are recorded", func() bool { return m.Stats().Gaps == 4 })
	h.rows.Store(false)
	m.Stop()
	wantGaps(s, log, read, before)

	m = s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 400+left(s, log))
	wantGaps(s, log, read, before)
}

func TestM6_AnAlertsTopicThatWasCreatedAgainIsAGapAndReadFromItsBeginning(t *testing.T) {
	s := newShop(t)
	topic := s.Broker.Topics().Alerts
	alert := func(product string) {
		rule, start := event.DefaultRule(), event.MillisOf(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
		s.Produce(s.Alert(event.Alert{
			ID: rule.AlertID(product, start), Rule: rule.String(), ProductID: product, WindowStart: start.Time(),
			WindowEnd: start.Time().Add(rule.Window), Status: event.Firing, Views: 101, Version: 5, Exact: true,
		}))
	}
	alert("p1")
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	deleted, err := kadm.NewClient(s.Broker.Client).DeleteTopics(t.Context(), topic)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	again := brokertest.NewShop(t, brokertest.Options{Broker: s.Broker.Config(), Partitions: 4})
	s = &warehousetest.Shop{Shop: again, Tables: s.Tables}
	alert("p2")
	for range 2 {
		m = s.Mirror()
		s.WaitStored()
		m.Stop()
		s.Want("SELECT count() FROM flash_sale_alerts", 2)
		s.Want("SELECT count() FROM log_gaps", 1)
	}
	gaps, err := s.Tables.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := broker.Gap{Topic: topic, TopicID: s.ID.AlertsID, Partition: -1, Reason: broker.Recreated}
	if len(gaps) != 1 || gaps[0].Gap != want || want.TopicID == "" {
		t.Errorf("recorded are %+v, want %+v", gaps, want)
	}
}

// What is stored stays, what comes next is stored, and a person has to accept the
// loss.
func TestM1_M6_WhereTheLogLostItsEndThatIsRecordedAndItReadsOn(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	s := warehousetest.NewShop(t, brokertest.Options{Broker: cfg, Partitions: 1})
	var log testwait.Output
	m := s.Mirror(func(c *mirror.Config) { c.Log = zerolog.New(&log) })
	produce(s, 0, 10)
	s.WaitStored()
	brokertest.LoseEnd(t, b, s.Broker, s.ID.Topic, 0)
	testwait.Until(t, "the loss is recorded", func() bool { return m.Stats().Gaps > 0 })
	produce(s, 10, 20)
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 20)
	gaps, err := s.Tables.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := broker.Gap{Topic: s.ID.Topic, TopicID: s.ID.TopicID, From: gaps[0].From, To: 10, Reason: broker.Lost}
	if len(gaps) != 1 || gaps[0].Gap != want || gaps[0].From >= 10 || gaps[0].AcceptedAt != nil {
		t.Errorf("recorded are %+v, want %+v", gaps, want)
	}
	if !strings.Contains(log.String(), "after they had been read") {
		t.Errorf("logged is %s", log.String())
	}
}
