package mirror_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/warehousetest"
)

func TestM3_ACleanRunStoresEachRecordOnceWithItsPlace(t *testing.T) {
	s := newShop(t)
	m := s.Mirror()
	produce(s, 0, 3000)
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", 3000)
	s.Want("SELECT count() FROM events", 3000)
	s.Want("SELECT uniqExact(kafka_partition, kafka_offset) FROM events", 3000)
	s.Want("SELECT count() FROM events WHERE kafka_key = product_id AND received_at >= timestamp AND brand = 'acme'", 3000)
	s.Want("SELECT countIf(price IS NULL) FROM events", 1000)
	if got := m.Stats(); got.Events != 3000 || got.Batches == 0 || got.Invalid != 0 || got.Retries != 0 {
		t.Errorf("stats %+v", got)
	}
	var next int64
	for _, offset := range m.Stats().Stored[s.Broker.Topics().Events] {
		next += offset
	}
	if next != 3000 {
		t.Errorf("the stored offsets sum up to %d, want 3000", next)
	}
}

func TestM1_E3_TheFirstCopyCountsWhateverTheOrderOfStoring(t *testing.T) {
	s := newShop(t)
	e := an(1)
	first, conflict, repeat := s.Event(e, time.Now()), s.Event(e, time.Now()), s.Event(e, time.Now())
	e.Brand = "other"
	conflict.Value = e.AppendJSON(nil)
	m := s.Mirror()
	// Each in an insert, and so a part, of its own.
	for _, r := range []*kgo.Record{first, conflict, repeat} {
		s.Produce(r)
		s.WaitStored()
	}
	m.Stop()
	s.Exec("SYSTEM STOP MERGES event_log")
	// The lowest offset once more, after the others; and one beyond them.
	s.Exec("INSERT INTO event_log SELECT * FROM event_log WHERE kafka_offset = 0")
	s.Exec("INSERT INTO event_log SELECT * REPLACE (bitNot(toUInt64(99)) AS offset_rank, 'late' AS brand) FROM event_log LIMIT 1")
	check := func() {
		t.Helper()
		s.Want("SELECT count() FROM events", 1)
		s.Want("SELECT count() FROM events WHERE kafka_offset = 0 AND brand = 'acme'", 1)
	}
	check()
	s.Exec("SYSTEM START MERGES event_log")
	s.Exec("OPTIMIZE TABLE event_log FINAL")
	s.Want("SELECT count() FROM event_log", 1)
	check()
}

func TestE3_SeveralTimesOrTypesOfOneIDAreSeveralEvents(t *testing.T) {
	s := newShop(t)
	a, b, c := an(1), an(1), an(1)
	b.Timestamp = a.Timestamp + 1
	c.Timestamp, c.Type = a.Timestamp, event.TypeAddToCart
	s.Produce(s.Event(a, time.Now()), s.Event(b, time.Now()), s.Event(c, time.Now()))
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 3)
}

func TestM1_AlertsKeepTheirLatestVersion(t *testing.T) {
	s := newShop(t)
	rule := event.DefaultRule()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, version := range []int64{5, 9, 7} {
		a := event.Alert{
			ID: rule.AlertID("p1", event.MillisOf(start)), Rule: rule.String(), ProductID: "p1", WindowStart: start,
			WindowEnd: start.Add(rule.Window), Status: event.Firing, Views: int(version) * 100, Version: version, Exact: true,
		}
		s.Produce(s.Alert(a))
	}
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM flash_sale_alerts", 1)
	s.Want("SELECT count() FROM flash_sale_alerts WHERE version = 9 AND views = 900 AND exact AND window_start = '2026-11-22 10:00:00'", 1)
	if got := m.Stats(); got.Alerts != 3 {
		t.Errorf("%d alerts stored, want 3", got.Alerts)
	}
}

func TestM2_InvalidRecordsAreKeptWithTheirBytesAndControlRecordsAreSkipped(t *testing.T) {
	s := newShop(t)
	good := s.Event(an(1), time.Now())
	wrongKey := s.Event(an(2), time.Now())
	wrongKey.Key = []byte("another")
	values := []string{"{", "\xff\xfe\x00", "", `{"event_id":"x"}`}
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: s.Broker.Topics().Events, Partition: 1, Value: []byte(v)})
	}
	tick := broker.TickRecord(s.Broker.Topics().Events, 1, event.Tick{After: 3, Quiet: 1000})
	change := broker.RulesRecord(s.Broker.Topics().Events, 1, event.RulesChange{Hash: rules.Default().Hash()})
	alert := &kgo.Record{Topic: s.Broker.Topics().Alerts, Value: []byte("no alert")}
	others := &kgo.Record{Topic: s.Broker.Topics().Rejected, Value: []byte("\x80 from elsewhere")}
	m := s.Mirror()
	s.Produce(append(records, tick, change, good, wrongKey, alert, others)...)
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", 1)
	s.Want("SELECT count() FROM rejected_log", 7)
	for offset, v := range values {
		got := ""
		if err := s.Tables.Conn().QueryRow(t.Context(), fmt.Sprintf(
			"SELECT value FROM rejected_events WHERE origin = '%s' AND origin_partition = 1 AND origin_position = %d", s.Broker.Topics().Events, offset)).Scan(&got); err != nil {
			t.Errorf("record 1/%d: %v", offset, err)
		} else if got != v {
			t.Errorf("record 1/%d is kept as %q, want %q", offset, got, v)
		}
	}
	s.Want("SELECT count() FROM rejected_events WHERE reason = 'wrong_key'", 1)
	s.Want("SELECT count() FROM rejected_events WHERE origin = '"+s.Broker.Topics().Alerts+"'", 1)
	s.Want("SELECT count() FROM rejected_events WHERE reason = 'wrong_key' AND key = 'another'", 1)
	// A record of another program without an origin is its own origin.
	s.Want("SELECT count() FROM rejected_events WHERE origin = '"+s.Broker.Topics().Rejected+"' AND origin_position = kafka_offset", 1)
	if got := m.Stats(); got.Invalid != 6 || got.Skipped != 2 {
		t.Errorf("stats %+v", got)
	}
}

func TestE1_RejectionsOfTwoRequestsAreTwoRowsAndCopiesOfOneAreOne(t *testing.T) {
	s := newShop(t)
	rejected := func(request string) *kgo.Record {
		return broker.RejectedRecord(s.Broker.Topics().Rejected, s.ID.RejectedPartitions, event.Rejected{
			Value: []byte("{"), Rejection: event.Rejection{Reason: event.ReasonBadJSON},
			Origin: event.Origin{Kind: event.OriginCollector, Name: "shop", Request: request},
		})
	}
	m := s.Mirror()
	s.Produce(rejected("request 1"), rejected("request 1"), rejected("request 2"))
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM rejected_events", 2)
	s.Want("SELECT uniqExact(origin_request) FROM rejected_events", 2)
}

func TestM2_OffsetsMoveOverControlRecords(t *testing.T) {
	s := newShop(t)
	cl, err := s.Broker.Open(kgo.TransactionalID("t"+s.Broker.Config().TopicPrefix), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), s.Event(an(n), time.Now())).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM event_log", 1)
}

// committed are the offsets before which the mirror says that all is stored.
func committed(s *warehousetest.Shop) broker.Offsets {
	s.Helper()
	stored, err := s.Tables.Stored(s.Context(), s.Broker, s.Broker.Topics().Events)
	if err != nil {
		s.Fatal(err)
	}
	return stored
}

func TestM2_NothingIsCommittedBeforeItIsStored(t *testing.T) {
	s, g := gatedShop(t)
	m := s.Mirror()
	produce(s, 0, 100)
	s.WaitStored()
	before := committed(s)
	g.close()
	produce(s, 100, 3000)
	testwait.Until(s, "an insert is under way", g.holds)
	// Stopping waits for the batches in flight as long as it ever does.
	m.Stop()
	g.open()
	for p, offset := range committed(s) {
		if offset != before[p] {
			t.Errorf("partition %d: committed %d while nothing could be stored, %d before", p, offset, before[p])
		}
	}
	s.Want("SELECT count() FROM events", 100)
	m = s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 3000)
}

func TestM2_ALostConnectionIsWaitedFor(t *testing.T) {
	s, g := gatedShop(t)
	m := s.Mirror()
	produce(s, 0, 100)
	s.WaitStored()
	g.close()
	produce(s, 100, 1000)
	testwait.Until(s, "a retry", func() bool { g.cut(); return m.Stats().Retries > 0 || m.Stats().Batches > 100 })
	g.open()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 1000)
	if m.Stats().LastError == "" {
		t.Error("what was waited for is not in the stats")
	}
}

// A stop may be the reason that the embedded ClickHouse ends by itself, and the
// next start then meets it before it is back.
func TestM2_AConnectionLostAtTheStartIsWaitedFor(t *testing.T) {
	s, g := gatedShop(t)
	produce(s, 0, 100)
	g.close()
	m := s.Mirror()
	testwait.Until(s, "a retry", func() bool { g.cut(); return m.Stats().Retries > 0 })
	g.open()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 100)
}

func TestAMissingTableEndsTheRunAndIsNamed(t *testing.T) {
	s := newShop(t)
	m := s.Mirror()
	produce(s, 0, 10)
	s.WaitStored()
	s.Exec("DROP TABLE event_log SYNC")
	produce(s, 10, 20)
	if err := m.Wait(); err == nil || !strings.Contains(err.Error(), "insert batch event_log") {
		t.Errorf("got %v, want the step in it", err)
	}
}

func TestM1_StoppedAtAnyTimeNothingIsLost(t *testing.T) {
	s := newShop(t)
	const rounds, each = 6, 2000
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		m := s.Mirror()
		produce(s, round*each, (round+1)*each)
		// A while of its own work: a number of batches, not a time.
		target := rnd.Int64N(4)
		testwait.Until(s, "some batches", func() bool { return m.Stats().Batches >= target })
		m.Stop()
	}
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", rounds*each)
	// Stopping is clean: it finishes what it has begun.
	s.Want("SELECT count() FROM event_log", rounds*each)
}

func TestM1_TwoAtOnceShareThePartitions(t *testing.T) {
	s := newShop(t)
	produce(s, 0, 2000)
	a := s.Mirror()
	testwait.Until(s, "the first to begin", func() bool { return a.Stats().Events > 0 })
	b := s.Mirror()
	n := 2000
	testwait.Until(s, "the second to get some", func() bool {
		produce(s, n, n+200)
		n += 200
		return b.Stats().Events > 0
	})
	a.Stop()
	produce(s, n, n+500)
	n += 500
	s.WaitStored()
	b.Stop()
	s.Want("SELECT count() FROM events", uint64(n))
}

func TestM1_ClickHouseKilledAndStartedAgainLosesNothing(t *testing.T) {
	dir := t.TempDir()
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { server.Kill(); server.Close() }()
	g := newGate(t, server.TCPAddr())
	s := shopAt(t, warehouse.Config{Addr: []string{g.addr()}, User: embedded.User, Password: server.Credentials().Password})
	m := s.Mirror()
	produce(s, 0, 2000)
	testwait.Until(s, "a batch", func() bool { return m.Stats().Batches > 0 })
	server.Kill()
	server.Close()
	produce(s, 2000, 4000)
	testwait.Until(s, "a retry", func() bool { return m.Stats().Retries > 0 })
	if server, err = embedded.Start(t.Context(), embedded.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	g.move(server.TCPAddr())
	s.WaitStored()
	m.Stop()
	s.Want("SELECT count() FROM events", 4000)
	s.Want("SELECT uniqExact(event_id) FROM events", 4000)
}

// Neither takes a partition of the other, nor rewinds it, when both run at once
// and one of them begins late.
func TestM5_MirrorsOfTwoDatabasesDoNotDisturbEachOther(t *testing.T) {
	s := newShop(t)
	other := &warehousetest.Shop{Shop: s.Shop, Tables: warehousetest.Migrated(t)}
	m := s.Mirror()
	produce(s, 0, 1000)
	s.WaitStored()
	before := committed(s)
	n := other.Mirror()
	other.WaitStored()
	for p, offset := range committed(s) {
		if offset != before[p] {
			t.Errorf("partition %d: the first mirror had committed %d, and %d after another database's began", p, before[p], offset)
		}
	}
	produce(s, 1000, 2000)
	for _, db := range []*warehousetest.Shop{s, other} {
		db.WaitStored()
		db.Want("SELECT count() FROM events", 2000)
		db.Want("SELECT count() FROM event_log", 2000)
	}
	m.Stop()
	n.Stop()
}

func TestM5_TablesThatWereCreatedAgainAreFilledFromTheLogsBeginning(t *testing.T) {
	s := newShop(t)
	m := s.Mirror()
	produce(s, 0, 100)
	s.WaitStored()
	m.Stop()
	if _, err := s.Tables.MigrateReset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tables.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m = s.Mirror()
	testwait.Until(s, "all rows", func() bool { return s.Number("SELECT count() FROM events") == 100 })
	s.WaitStored()
	m.Stop()
}

func TestADifferentLogIsRefused(t *testing.T) {
	s := newShop(t)
	other := s.ID
	other.ClusterID = "another"
	if err := s.Tables.CheckLog(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	m, err := mirror.New(mirror.Config{Broker: s.Broker, Warehouse: s.Tables})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs to another log") {
		t.Errorf("got %v", err)
	}
}
