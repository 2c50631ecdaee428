package recount_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/torture/recount"
)

var rule = recount.Rule{ViewsOver: 1, PurchasesUnder: 1, Window: 10 * time.Second, Slide: 10 * time.Second, Lateness: time.Second}

// start is a multiple of the slide, in ms.
const start = int64(1_700_000_000_000)

// rows are tables of a test's own.
type rows struct {
	events   []recount.Event
	rejected []recount.Rejected
	alerts   []recount.Alert
}

func (r rows) Events(row func(recount.Event)) error {
	for _, e := range r.events {
		row(e)
	}
	return nil
}

func (r rows) Rejected(row func(recount.Rejected)) error {
	for _, e := range r.rejected {
		row(e)
	}
	return nil
}

func (r rows) Alerts(row func(recount.Alert)) error {
	for _, e := range r.alerts {
		row(e)
	}
	return nil
}

func view(offset, ms int64, id, brand string) recount.Record {
	at := time.UnixMilli(start + ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return recount.Record{
		Partition: 3, Hashed: 3, Offset: offset, Received: start + ms, Key: []byte("p"),
		Value: fmt.Appendf(nil, `{"event_id":%q,"event_type":"view","timestamp":%q,"user_id":"u","product_id":"p","brand":%q,"price":1.50,"x":1}`, id, at, brand),
	}
}

// logged is a log with two events, a duplicate and a conflict of the first,
// an invalid record, a tick that closes their window, and what was made of it.
func logged(t *testing.T) (*recount.Log, rows) {
	t.Helper()
	l := recount.NewLog("events", rule)
	l.AddEvent(view(0, 100, "a", "b1"))
	l.AddEvent(view(1, 100, "a", "b1"))
	l.AddEvent(view(2, 100, "a", "b2"))
	l.AddEvent(view(3, 200, "b", "b1"))
	l.AddEvent(recount.Record{Partition: 3, Hashed: 3, Offset: 4, Key: []byte("p"), Value: []byte("{")})
	l.AddEvent(recount.Record{Partition: 3, Hashed: -1, Offset: 5, Headers: map[string]string{"tick": "1", "after": "3", "quiet_ms": "60000"}})
	if l.Unclosed() != 1 {
		t.Error("a tick that does not follow the last record with a value closes a window")
	}
	l.AddEvent(recount.Record{Partition: 3, Hashed: -1, Offset: 6, Headers: map[string]string{"tick": "1", "after": "4", "quiet_ms": "60000"}})
	l.AddEvent(recount.Record{Partition: 3, Hashed: -1, Offset: 7, Headers: map[string]string{"rules": "0123456789abcdef0123456789abcdef", "applied_at": "2026-11-22T10:00:00.000Z"}})
	l.AddEvent(view(8, 300, "late", "b1"))
	if l.Records != 6 || l.Duplicates != 2 || l.Conflicts != 1 || l.Late != 1 || l.Ticks != 2 || l.Unclosed() != 0 {
		t.Errorf("counted %+v", l)
	}
	l.AddAlert(recount.Record{Value: []byte(`{"alert_id":"x","rule":"r","product_id":"p","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z",
		"status":"firing","views":2,"purchases":0,"conversion_rate":0,"version":4,"exact":true}`)})
	l.AddAlert(recount.Record{Value: []byte(`{"alert_id":"x","rule":"r","product_id":"p","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z",
		"status":"confirmed","views":2,"purchases":0,"conversion_rate":0,"version":7,"exact":true}`)})
	l.AddRejected(recount.Record{Key: []byte("p"), Value: []byte("{"), Headers: map[string]string{
		"origin_kind": "topic", "origin": "events", "origin_partition": "3", "origin_position": "4", "reason": "bad_json",
	}})
	event := func(offset, ms int64, id string) recount.Event {
		return recount.Event{
			ID: id, Type: "view", Timestamp: start + ms, User: "u", Product: "p", Brand: "b1", Price: "1.5000", Quantity: 1,
			Properties: `{"x":1}`, Key: "p", Partition: 3, Offset: offset, Received: start + ms,
		}
	}
	return l, rows{
		events:   []recount.Event{event(0, 100, "a"), event(3, 200, "b"), event(8, 300, "late")},
		rejected: []recount.Rejected{{Kind: "topic", Origin: "events", Partition: 3, Position: 4, Reason: "bad_json", Key: "70", Value: "7B"}},
		alerts: []recount.Alert{{
			ID: "x", Rule: "r", Product: "p", Start: start, End: start + 10_000, Status: "confirmed", Views: 2, Version: 7, Exact: true,
		}},
	}
}

func TestWhatTheLogGivesIsFound(t *testing.T) {
	l, tables := logged(t)
	if wrong, err := l.Compare(tables); err != nil || len(wrong) > 0 {
		t.Errorf("wrong: %q, %v", wrong, err)
	}
}

func TestEveryDifferenceIsFound(t *testing.T) {
	for _, c := range []struct {
		want string
		make func(*rows)
	}{
		{"events missing", func(r *rows) { r.events = r.events[:1] }},
		{"events shown twice", func(r *rows) { r.events = append(r.events, r.events[0]) }},
		{"events without a record", func(r *rows) { r.events[0].ID = "other" }},
		{"events with other columns than the first copy", func(r *rows) { r.events[0].Brand, r.events[0].Offset = "b2", 2 }},
		{"events with other columns than the first copy", func(r *rows) { r.events[1].User, r.events[1].Session = r.events[1].Session, r.events[1].User }},
		{"rejected records missing in the table", func(r *rows) { r.rejected = nil }},
		{"rejected records shown twice", func(r *rows) { r.rejected = append(r.rejected, r.rejected[0]) }},
		{"rejected records in the table that are not invalid", func(r *rows) { r.rejected[0].Position = 3 }},
		{"alerts missing", func(r *rows) { r.alerts = nil }},
		{"alerts shown twice", func(r *rows) { r.alerts = append(r.alerts, r.alerts[0]) }},
		{"alerts that are not the latest version", func(r *rows) { r.alerts[0].Status, r.alerts[0].Version = "firing", 4 }},
	} {
		t.Run(c.want, func(t *testing.T) {
			l, tables := logged(t)
			c.make(&tables)
			wrong, err := l.Compare(tables)
			if err != nil || !slices.ContainsFunc(wrong, func(text string) bool { return strings.HasPrefix(text, c.want) }) {
				t.Errorf("got %q, %v", wrong, err)
			}
		})
	}
}

func TestAlertsThatTheLogDoesNotGiveAreFound(t *testing.T) {
	l, tables := logged(t)
	l.AddAlert(recount.Record{Value: []byte(`{"alert_id":"x","rule":"r","product_id":"p","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z",
		"status":"confirmed","views":3,"purchases":0,"conversion_rate":0,"version":8,"exact":true}`)})
	tables.alerts[0].Views, tables.alerts[0].Version = 3, 8
	wrong, _ := l.Compare(tables)
	if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "alerts that the log does not give") {
		t.Errorf("got %q", wrong)
	}

	l, tables = logged(t)
	l.AddAlert(recount.Record{Value: []byte(`{"alert_id":"y","rule":"r","product_id":"q","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z",
		"status":"firing","views":3,"purchases":0,"conversion_rate":0,"version":8,"exact":true}`)})
	tables.alerts = append(tables.alerts, recount.Alert{
		ID: "y", Rule: "r", Product: "q", Start: start, End: start + 10_000, Status: "firing", Views: 3, Version: 8, Exact: true,
	})
	wrong, _ = l.Compare(tables)
	if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "alerts of windows that never qualified") {
		t.Errorf("got %q", wrong)
	}
}

func TestTwoContentsOfOneVersionAreFound(t *testing.T) {
	l, tables := logged(t)
	l.AddAlert(recount.Record{Value: []byte(`{"alert_id":"x","rule":"r","product_id":"p","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z",
		"status":"firing","views":9,"purchases":0,"conversion_rate":0,"version":4,"exact":true}`)})
	wrong, _ := l.Compare(tables)
	if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "one version of an alert has two contents") {
		t.Errorf("got %q", wrong)
	}
}
