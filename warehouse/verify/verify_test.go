package verify_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// flashSale is a set of one rule.
var flashSale = setOf(3*time.Second, rules.Rule{Name: "flash_sale", When: "views > 4 && purchases < 2", Window: 10 * time.Second, Slide: 2 * time.Second})

func setOf(lateness time.Duration, all ...rules.Rule) *rules.Set {
	set, err := rules.New(lateness, all)
	if err != nil {
		panic(err)
	}
	return set
}

func newShop(t testing.TB) *warehousetest.Shop {
	t.Helper()
	return warehousetest.NewShop(t, brokertest.Options{Partitions: 3, OwnReceiveTimes: true})
}

// putInForce puts a set in force on the log.
func putInForce(s *warehousetest.Shop, set *rules.Set) {
	s.Helper()
	if err := s.Broker.PutRulesInForce(s.Context(), set, time.Now()); err != nil {
		s.Fatal(err)
	}
}

// produceLog writes a random log by the sets, and its alerts.
func produceLog(s *warehousetest.Shop, seed uint64, n int, sets ...*rules.Set) *randomLog {
	s.Helper()
	for _, set := range sets {
		if err := s.Broker.StoreRules(s.Context(), set); err != nil {
			s.Fatal(err)
		}
	}
	l := newRandomLog(seed, n, s.ID.Partitions, s.Broker.Topics().Events, sets...)
	s.Produce(l.records...)
	produceAlerts(s, slices.Concat(l.alerts, l.retracted))
	return l
}

// produceAlerts writes them in few batches: each batch costs milliseconds under
// the race detector, which clears the buffers of its compression again and again.
func produceAlerts(s *warehousetest.Shop, alerts []event.Alert) {
	s.Helper()
	var records []*kgo.Record
	for _, a := range alerts {
		records = append(records, s.Alert(a))
	}
	s.Produce(records...)
}

func verified(s *warehousetest.Shop, change ...func(*verify.Config)) verify.Report {
	s.Helper()
	cfg := verify.Config{Broker: s.Broker, Warehouse: s.Tables, Wait: 30 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	r, err := verify.Run(s.Context(), cfg)
	if err != nil {
		s.Fatal(err)
	}
	var left uint64
	if err := s.Tables.Conn().QueryRow(s.Context(), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'verify%'").Scan(&left); err != nil || left > 0 {
		s.Errorf("%d tables of verify are left (%v)", left, err)
	}
	return r
}

func kinds(findings []verify.Finding) (all []string) {
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s %d", f.Kind, f.Total))
	}
	slices.Sort(all)
	return all
}

func TestW7_W9_RandomLogsAgreeWithThePlainModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newShop(t)
			l := produceLog(s, seed, 1500, flashSale)
			if len(l.alerts) < 5 {
				t.Fatalf("only %d alerts: the log says little", len(l.alerts))
			}
			s.Mirror()
			r := verified(s)
			if !r.OK() {
				t.Errorf("the plain model and the SQL disagree:\n%s", r)
			}
			if r.Alerts != uint64(len(l.alerts)) || r.Retracted != uint64(len(l.retracted)) || r.Retracted < 5 || r.Invalid != uint64(l.invalid) {
				t.Errorf("%d and %d alerts and %d invalid records, want %d, %d and %d", r.Alerts, r.Retracted, r.Invalid, len(l.alerts), len(l.retracted), l.invalid)
			}
			noted := strings.Join(kinds(r.Notes), " ")
			for _, kind := range []string{"conflicting_copies", "late", "future"} {
				if !strings.Contains(noted, kind) {
					t.Errorf("nothing noted as %s: %s", kind, noted)
				}
			}
		})
	}
}

func TestEachKindOfDamageIsFoundAndNamed(t *testing.T) {
	s := newShop(t)
	produceLog(s, 1, 1500, flashSale)
	m := s.Mirror()
	after := verified(s)
	m.Stop()

	const sync = " SETTINGS mutations_sync = 2"
	first := func(kind string) string {
		var id string
		if err := s.Tables.Conn().QueryRow(t.Context(), "SELECT event_id FROM event_log GROUP BY event_id HAVING count() = "+kind+" ORDER BY event_id LIMIT 1").Scan(&id); err != nil {
			t.Fatal(err)
		}
		return "'" + id + "'"
	}
	for _, c := range []struct {
		damage, want string
	}{
		{"ALTER TABLE event_log DELETE WHERE event_id = " + first("1") + sync, "event_missing 1"},
		{"INSERT INTO event_log SELECT * REPLACE ('made up' AS event_id) FROM event_log LIMIT 1", "event_extra 1"},
		{"ALTER TABLE event_log DELETE WHERE (event_id, kafka_offset) = (SELECT event_id, min(kafka_offset) FROM event_log GROUP BY event_id HAVING count() > 1 ORDER BY event_id LIMIT 1)" + sync, "event_not_first_copy 1"},
		{"ALTER TABLE event_log UPDATE user_id = 'somebody' WHERE event_id = (SELECT max(event_id) FROM event_log WHERE event_id != 'made up')" + sync, "event_other_content 1"},
		{"ALTER TABLE alert_log UPDATE views = views + 1 WHERE alert_id = (SELECT min(alert_id) FROM alert_log)" + sync, "alert_other_counts 1"},
		{"ALTER TABLE alert_log DELETE WHERE alert_id = (SELECT max(alert_id) FROM alert_log)" + sync, "alert_missing 1"},
		{"INSERT INTO alert_log SELECT * REPLACE ('extra' AS alert_id, 'px' AS product_id) FROM alert_log LIMIT 1", "alert_extra 1"},
		{"INSERT INTO alert_log SELECT * REPLACE ('firing' AS status, version + 1 AS version) FROM alert_log WHERE alert_id = (SELECT arraySort(groupArray(alert_id))[2] FROM alert_log)", "alert_not_closed 1"},
		{"ALTER TABLE rejected_log DELETE WHERE origin_position = (SELECT min(origin_position) FROM rejected_log) AND origin_partition = (SELECT argMin(origin_partition, origin_position) FROM rejected_log)" + sync, "rejected_missing 1"},
		{"ALTER TABLE rejected_log UPDATE reason = 'bad_json' WHERE 1" + sync, ""},
	} {
		before := after
		s.Exec(c.damage)
		after = verified(s)
		if c.want == "" {
			if !slices.Equal(kinds(before.Differences), kinds(after.Differences)) {
				t.Errorf("%s: %v became %v", c.damage, kinds(before.Differences), kinds(after.Differences))
			}
			continue
		}
		if slices.Contains(kinds(before.Differences), c.want) || !slices.Contains(kinds(after.Differences), c.want) || after.OK() {
			t.Errorf("%s: found %v, want %s besides %v", c.damage, kinds(after.Differences), c.want, kinds(before.Differences))
		}
		if !strings.Contains(after.String(), "do NOT agree") {
			t.Error("the text says that all is well")
		}
	}
	for _, f := range after.Differences {
		if len(f.Samples) == 0 {
			t.Errorf("%s has no sample", f.Kind)
		}
	}
}

func TestWhatTheMirrorHasNotStoredIsNamed(t *testing.T) {
	s := newShop(t)
	e := event.Event{ID: "e", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), UserID: "u", ProductID: "p", Quantity: 1}
	record := s.Event(e, time.Now())
	s.Produce(record)
	_, err := verify.Run(t.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables, Wait: time.Millisecond})
	if want := fmt.Sprintf("partition %d at 0 of 1", record.Partition); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	s.Mirror()
	late := errors.New("partition 7 is not counted yet")
	_, err = verify.Run(t.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables, Wait: 30 * time.Second,
		WaitFor: func(context.Context, broker.Offsets) (broker.Offsets, error) { return nil, late }})
	if !errors.Is(err, late) {
		t.Errorf("got %v", err)
	}
	if r := verified(s); !r.OK() || r.Events != 1 {
		t.Errorf("%s", r)
	}
}
