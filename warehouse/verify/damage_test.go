package verify_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

// storedLog is a random log with its alerts, stored.
func storedLog(t *testing.T) (*warehousetest.Shop, []*kgo.Record, []event.Alert) {
	t.Helper()
	s := newShop(t)
	l := produceLog(s, 2, 1500, flashSale)
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	if r := verified(s); !r.OK() {
		t.Fatalf("%s", r)
	}
	return s, l.records, l.alerts
}

func finding(t *testing.T, findings []verify.Finding, kind string) verify.Finding {
	t.Helper()
	for _, f := range findings {
		if f.Kind == kind {
			return f
		}
	}
	t.Fatalf("no finding %s in %v", kind, kinds(findings))
	return verify.Finding{}
}

func TestSwappedColumnsAreFoundAndNamed(t *testing.T) {
	s, _, _ := storedLog(t)
	s.Exec("ALTER TABLE event_log UPDATE brand = currency, currency = brand WHERE event_id = (SELECT max(event_id) FROM event_log) SETTINGS mutations_sync = 2")
	f := finding(t, verified(s).Differences, "event_other_content")
	if f.Total != 1 || !slices.Equal(f.Columns, []string{"brand", "currency"}) {
		t.Errorf("%d events differ in %v, want one in brand and currency", f.Total, f.Columns)
	}
}

func TestAnotherReceiveTimeIsFound(t *testing.T) {
	s, _, _ := storedLog(t)
	s.Exec("ALTER TABLE event_log UPDATE received_at = received_at + INTERVAL 1 SECOND WHERE event_id = (SELECT max(event_id) FROM event_log) SETTINGS mutations_sync = 2")
	if f := finding(t, verified(s).Differences, "event_other_content"); f.Total != 1 || !slices.Equal(f.Columns, []string{"received_at"}) {
		t.Errorf("%d events differ in %v, want one in received_at", f.Total, f.Columns)
	}
}

func TestAnEventThatWasRejectedWronglyIsFound(t *testing.T) {
	s, records, _ := storedLog(t)
	var id, value string
	var partition int32
	var offset int64
	err := s.Tables.Conn().QueryRow(t.Context(), "SELECT event_id, kafka_partition, kafka_offset FROM events WHERE event_id NOT IN (SELECT event_id FROM event_log GROUP BY event_id HAVING count() > 1) ORDER BY event_id LIMIT 1").Scan(&id, &partition, &offset)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if strings.Contains(string(r.Value), `"`+id+`"`) {
			value = string(r.Value)
			break
		}
	}
	topics := s.Broker.Topics()
	s.Produce(broker.RejectedRecord(topics.Rejected, s.ID.Partitions, event.Rejected{Key: []byte("k"), Value: []byte(value),
		Rejection: event.Rejection{Reason: event.ReasonBadJSON, Message: "wrong"},
		Origin:    event.Origin{Kind: event.OriginTopic, Name: topics.Events, Partition: partition, Position: offset}}))
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Exec("ALTER TABLE event_log DELETE WHERE event_id = '" + id + "' SETTINGS mutations_sync = 2")
	r := verified(s)
	finding(t, r.Differences, "event_missing")
	if f := finding(t, r.Differences, "rejected_valid"); f.Total != 1 || !strings.Contains(f.Samples[0], id) {
		t.Errorf("%+v, want one: event %s", f, id)
	}
}

func TestDamageToAlertsIsFoundOnTheTopicAndInTheTable(t *testing.T) {
	s, _, alerts := storedLog(t)
	// Windows that have closed in every partition.
	slices.SortFunc(alerts, func(a, b event.Alert) int { return a.WindowStart.Compare(b.WindowStart) })
	two := alerts[0]
	two.Views++
	firing := alerts[0]
	// Of a partition whose watermark has passed the window.
	for event.Partition(firing.ProductID, s.ID.Partitions) != event.Partition(two.ProductID, s.ID.Partitions) || firing.ProductID == two.ProductID {
		firing.ProductID += "x"
	}
	firing.Status, firing.Version = event.Firing, 1
	firing.ID = flashSale.AlertID(0, firing.ProductID, event.MillisOf(firing.WindowStart))
	inexact := alerts[1]
	inexact.Version++
	inexact.Exact = false
	retracted := alerts[3]
	retracted.Version++
	retracted.Status = event.Retracted
	m := s.Mirror()
	produceAlerts(s, []event.Alert{two, firing, inexact, retracted})
	s.WaitStored()
	m.Stop()
	s.Exec("ALTER TABLE alert_log UPDATE conversion_rate = 7 WHERE alert_id = '" + alerts[2].ID + "' SETTINGS mutations_sync = 2")
	r := verified(s)
	for kind, alert := range map[string]event.Alert{"alert_two_contents": two, "alert_not_on_topic": alerts[2], "alert_not_stored": alerts[2]} {
		if f := finding(t, r.Differences, kind); f.Total != 1 || !strings.Contains(f.Samples[0], alert.ID) {
			t.Errorf("%+v, want one: alert %s", f, alert.ID)
		}
	}
	if f := finding(t, r.Differences, "alert_not_closed"); f.Total != 1 || !strings.Contains(f.Samples[0], firing.ProductID) {
		t.Errorf("%+v, want the alert of %s, whose window has closed", f, firing.ProductID)
	}
	if f := finding(t, r.Differences, "alert_missing"); f.Total != 1 || !strings.Contains(f.Samples[0], retracted.ProductID) {
		t.Errorf("%+v, want the alert of %s, which is retracted though its window qualifies", f, retracted.ProductID)
	}
	if f := finding(t, r.Notes, "alerts_not_exact"); f.Total != 1 {
		t.Errorf("%+v, want one", f)
	}
}

// The processor goes on while the topic is compared up to where it ended.
func TestAlertsThatAreEmittedMeanwhileAreNoDifference(t *testing.T) {
	s, _, alerts := storedLog(t)
	later := alerts[0]
	later.Version++
	emitted := false
	r, err := verify.Run(t.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables, Progress: func(p verify.Progress) {
		if emitted || p.Step != "comparing the alerts topic" {
			return
		}
		emitted = true
		m := s.Mirror()
		produceAlerts(s, []event.Alert{later})
		s.WaitStored()
		m.Stop()
	}})
	if err != nil || !r.OK() || !emitted {
		t.Errorf("%v, %+v, emitted meanwhile: %v", err, r.Differences, emitted)
	}
}

// Where an instance has stopped, nothing counts the end of its log.
func TestWhatNoProcessorHasCountedIsLeftOut(t *testing.T) {
	s, _, _ := storedLog(t)
	whole := verified(s)
	// The first record that is left out has a row.
	end := int64(s.Number("SELECT toUInt64(kafka_offset) FROM events WHERE kafka_partition = 2 ORDER BY kafka_offset DESC LIMIT 1 OFFSET 50"))
	uncounted := uint64(whole.Ends[2] - end)
	r := verified(s, func(c *verify.Config) {
		c.WaitFor = func(_ context.Context, ends broker.Offsets) (broker.Offsets, error) {
			counted := maps.Clone(ends)
			counted[2] = end
			return counted, nil
		}
	})
	if f := finding(t, r.Notes, "records_not_counted"); f.Total != uncounted || !r.OK() {
		t.Errorf("%+v, want %d records: %s", f, uncounted, r)
	}
	if r.Events >= whole.Events || r.Events+uncounted < whole.Events {
		t.Errorf("%d events are compared, of %d less at most %d", r.Events, whole.Events, uncounted)
	}
}

func TestDamageToRejectedRecordsIsFoundAgainstTheirTopic(t *testing.T) {
	s, _, _ := storedLog(t)
	first := "(SELECT min((kafka_partition, kafka_offset)) FROM rejected_log)"
	s.Exec("ALTER TABLE rejected_log UPDATE message = 'another' WHERE (kafka_partition, kafka_offset) = " + first + " SETTINGS mutations_sync = 2")
	if f := finding(t, verified(s).Differences, "rejected_other_reason"); f.Total != 1 || len(f.Samples) != 1 {
		t.Errorf("%+v, want one", f)
	}
	s.Exec("INSERT INTO rejected_log SELECT * EXCEPT offset_rank REPLACE ('another' AS value) FROM rejected_log WHERE (kafka_partition, kafka_offset) = " + first)
	s.Exec("ALTER TABLE rejected_log DELETE WHERE (kafka_partition, kafka_offset) = (SELECT max((kafka_partition, kafka_offset)) FROM rejected_log) SETTINGS mutations_sync = 2")
	r := verified(s)
	for _, kind := range []string{"rejected_not_on_topic", "rejected_not_stored", "rejected_missing"} {
		if f := finding(t, r.Differences, kind); f.Total != 1 {
			t.Errorf("%+v, want one", f)
		}
	}
}

func TestGapsAreADifferenceUntilTheyAreAccepted(t *testing.T) {
	s, _, _ := storedLog(t)
	gap := broker.Gap{Topic: s.Broker.Topics().Events, Partition: 1, From: 5, To: 9, Reason: "retention"}
	if _, err := s.Tables.RecordGaps(t.Context(), "mirror", []broker.Gap{gap}); err != nil {
		t.Fatal(err)
	}
	if f := finding(t, verified(s).Differences, "gap"); f.Total != 1 || !strings.Contains(f.Samples[0], "offsets 5 to 9") {
		t.Errorf("%+v, want the gap", f)
	}
	gaps, err := s.Tables.Gaps(t.Context())
	if err == nil {
		_, err = s.Tables.AcceptGaps(t.Context(), "somebody", gaps)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(s); !r.OK() {
		t.Errorf("%s", r)
	}
}

// Their offsets hold other records now.
func TestRowsOfRecordsThatTheLogHasLostAreNoDifferenceOnceThatIsAccepted(t *testing.T) {
	s, _, _ := storedLog(t)
	s.Exec("INSERT INTO event_log SELECT * REPLACE ('lost' AS event_id) FROM event_log WHERE kafka_partition = 2 LIMIT 1")
	if f := finding(t, verified(s).Differences, "event_extra"); f.Total != 1 {
		t.Errorf("%+v, want the row", f)
	}
	lost := broker.Gap{Topic: s.ID.Topic, TopicID: s.ID.TopicID, Partition: 2, From: 0, To: 10_000, Reason: broker.Lost}
	if _, err := s.Tables.RecordGaps(t.Context(), "mirror", []broker.Gap{lost}); err != nil {
		t.Fatal(err)
	}
	r := verified(s)
	if f := finding(t, r.Differences, "gap"); len(r.Differences) != 1 || !strings.Contains(f.Samples[0], "offsets 0 to 10000: lost") {
		t.Errorf("%s", r)
	}
	gaps, err := s.Tables.Gaps(t.Context())
	if err == nil {
		_, err = s.Tables.AcceptGaps(t.Context(), "somebody", gaps)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(s); !r.OK() {
		t.Errorf("%s", r)
	}
}

func TestPhysicalDuplicatesAreCounted(t *testing.T) {
	s := newShop(t)
	s.Exec("SYSTEM STOP MERGES event_log")
	e := event.Event{ID: "e", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), UserID: "u", ProductID: "p", Quantity: 1}
	s.Produce(s.Event(e, time.Now()))
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	s.Exec("INSERT INTO event_log SELECT * FROM event_log")
	r := verified(s)
	if f := finding(t, r.Notes, "physical_duplicates"); f.Total != 1 || !r.OK() {
		t.Errorf("%s", r)
	}
}

func TestSinceLeavesOutWhatCameBefore(t *testing.T) {
	s, records, _ := storedLog(t)
	whole := verified(s)
	since := records[len(records)/2].Timestamp
	half := func(c *verify.Config) { c.Since = since }
	r := verified(s, half)
	if !r.OK() || r.Events == 0 || r.Events >= whole.Events {
		t.Errorf("since %s: %s", since, r)
	}
	damage := "ALTER TABLE event_log DELETE WHERE received_at < parseDateTime64BestEffort('" + event.MillisOf(since).String() + "', 3)"
	s.Exec(damage + " AND event_id NOT IN (SELECT event_id FROM event_log GROUP BY event_id HAVING count() > 1) SETTINGS mutations_sync = 2")
	if r := verified(s, half); !r.OK() {
		t.Errorf("damage before %s is found: %s", since, r)
	}
	if verified(s).OK() {
		t.Error("the damage is not found at all")
	}
}

func TestAnInterruptedRunGoesOn(t *testing.T) {
	s, _, _ := storedLog(t)
	s.Exec("ALTER TABLE event_log DELETE WHERE event_id = (SELECT max(event_id) FROM event_log) SETTINGS mutations_sync = 2")
	whole := verified(s)
	verify.SetSaveAfter(t, 100)
	for _, step := range []string{"reading the table", "comparing the log", "counting the windows"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := verify.Run(ctx, verify.Config{Broker: s.Broker, Warehouse: s.Tables, Wait: 30 * time.Second,
			Progress: func(p verify.Progress) {
				if strings.HasPrefix(p.Step, step) && (p.Done > 0 || step != "comparing the log") {
					cancel()
				}
			}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted while %s: %v", step, err)
		}
		var steps []string
		r := verified(s, func(c *verify.Config) {
			c.Progress = func(p verify.Progress) {
				if len(steps) == 0 || steps[len(steps)-1] != p.Step {
					steps = append(steps, p.Step)
				}
			}
		})
		if steps[0] != "going on with an interrupted run" {
			t.Errorf("interrupted while %s, it begins with %q", step, steps[0])
		}
		if !slices.Equal(kinds(r.Differences), kinds(whole.Differences)) || r.Events != whole.Events || r.Identities != whole.Identities || r.Invalid != whole.Invalid || r.Ticks != whole.Ticks || r.Alerts != whole.Alerts {
			t.Errorf("interrupted while %s, it finds:\n%s\nwant\n%s", step, r, whole)
		}
	}
}

func TestTablesOfKilledRunsAreDropped(t *testing.T) {
	s := newShop(t)
	s.Mirror()
	s.Exec("CREATE TABLE verify_log_abandoned (x UInt8) ENGINE = MergeTree ORDER BY x")
	verify.SetAbandoned(t, -time.Hour)
	verified(s) // checks that none is left
}
