package verify_test

import (
	"fmt"
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

// Sets whose rules differ in window, slide, lateness and in what they count.
var (
	several = setOf(2*time.Second,
		rules.Rule{Name: "flash_sale", When: "views > 3 && purchases < 2", Window: 10 * time.Second, Slide: 2 * time.Second},
		rules.Rule{Name: "carts", When: "carts >= 2 && carts / views > 0.2 || conversion_rate > 30", Window: 30 * time.Second, Slide: 3 * time.Second},
	)
	searches = setOf(5*time.Second,
		rules.Rule{Name: "searched", When: `searches * 2 + count("refund") >= 2`, Window: time.Minute, Slide: 5 * time.Second},
		rules.Rule{Name: "anything", When: "views + carts + purchases > 5", Window: 9 * time.Second, Slide: 3 * time.Second},
	)
)

func TestW7_W8_W9_RandomLogsWithChangingRulesAgreeWithThePlainModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newShop(t)
			l := produceLog(s, seed, 1500, flashSale, several, searches)
			byRule := map[string]int{}
			for _, a := range l.alerts {
				byRule[event.RuleName(a.Rule)]++
			}
			if len(byRule) < 3 {
				t.Errorf("the log says little: %v", byRule)
			}
			s.Mirror()
			if r := verified(s); !r.OK() || r.Alerts != uint64(len(l.alerts)) || r.Retracted != uint64(len(l.retracted)) || r.RuleChanges < 6 {
				t.Errorf("%d alerts of %d changes, want %d: the plain model and the SQL disagree:\n%s", r.Alerts, r.RuleChanges, len(l.alerts), r)
			}
		})
	}
}

// ruledLog is a log with events every second of five products, and changes of rules
// in between. Its alerts are stored.
type ruledLog struct {
	*warehousetest.Shop
	begin  event.Millis
	models []*model
	next   []int64
	n      int
}

func newRuledLog(t *testing.T) *ruledLog {
	t.Helper()
	s := newShop(t)
	l := &ruledLog{Shop: s, begin: event.MillisOf(time.Now().Add(-3 * time.Hour).Truncate(time.Minute)), next: make([]int64, s.ID.Partitions)}
	for range s.ID.Partitions {
		l.models = append(l.models, newModel())
	}
	return l
}

// events are so many, one a second.
func (l *ruledLog) events(n int) {
	l.Helper()
	var records []*kgo.Record
	for range n {
		at := l.begin + event.Millis(l.n)*1000
		e := event.Event{ID: fmt.Sprint("e", l.n), Type: event.TypeView, Timestamp: at, UserID: "u", ProductID: fmt.Sprint("p", l.n%5), Quantity: 1}
		r := l.Event(e, at.Time())
		records = append(records, r)
		l.models[r.Partition].event(e, at, l.next[r.Partition])
		l.next[r.Partition]++
		l.n++
	}
	l.Produce(records...)
}

func (l *ruledLog) change(set *rules.Set) {
	l.Helper()
	at := l.begin + event.Millis(l.n)*1000 // of the next event
	if err := l.Broker.PutRulesInForce(l.Context(), set, at.Time()); err != nil {
		l.Fatal(err)
	}
	for p := range l.models {
		l.models[p].change(set)
		l.next[p]++
	}
}

// store stores the log and the alerts that follow from it.
func (l *ruledLog) store() (alerts []event.Alert) {
	l.Helper()
	for p, m := range l.models {
		confirmed, retracted := m.final(l.next[p])
		alerts = append(alerts, confirmed...)
		produceAlerts(l.Shop, retracted)
	}
	slices.SortFunc(alerts, func(a, b event.Alert) int { return strings.Compare(a.ID, b.ID) })
	produceAlerts(l.Shop, alerts)
	m := l.Mirror()
	l.WaitStored()
	m.Stop()
	return alerts
}

// views is a set of one rule.
func views(more int, window time.Duration) *rules.Set {
	return setOf(3*time.Second, rules.Rule{Name: "views", When: fmt.Sprint("views > ", more), Window: window, Slide: 10 * time.Second})
}

func TestW8_AlertsByAnotherSetThanTheWindowsOwnAreADifference(t *testing.T) {
	l := newRuledLog(t)
	before, after := views(1, time.Minute), views(2, time.Minute)
	l.change(before)
	l.events(300)
	l.change(after)
	l.events(300)
	alerts := l.store()
	if r := verified(l.Shop); !r.OK() || r.Alerts != uint64(len(alerts)) || r.RuleChanges != uint64(2*len(l.models)) {
		t.Fatalf("want %d alerts: %s", len(alerts), r)
	}
	// The last window by the set before, and the first one by that after, of one
	// product; each is judged by the other set.
	var last, first event.Alert
	for _, a := range alerts {
		switch {
		case a.ProductID != "p1":
		case a.Rule == before.Definition(0) && a.WindowStart.After(last.WindowStart):
			last = a
		case a.Rule == after.Definition(0) && (first.ID == "" || a.WindowStart.Before(first.WindowStart)):
			first = a
		}
	}
	if first.WindowStart.Sub(last.WindowStart) != 10*time.Second {
		t.Fatalf("%s is the last window before and %s the first one after the change", last, first)
	}
	early, late := last, first
	early.Rule, early.ID = after.Definition(0), after.AlertID(0, early.ProductID, event.MillisOf(early.WindowStart))
	late.Rule, late.ID = before.Definition(0), before.AlertID(0, late.ProductID, event.MillisOf(late.WindowStart))
	m := l.Mirror()
	produceAlerts(l.Shop, []event.Alert{early, late})
	l.WaitStored()
	m.Stop()
	l.Exec("ALTER TABLE alert_log DELETE WHERE alert_id = '" + last.ID + "' SETTINGS mutations_sync = 2")
	r := verified(l.Shop)
	if f := finding(t, r.Differences, "alert_extra"); f.Total != 2 {
		t.Errorf("%+v, want the alert by the new set too early, and the one by the set before too late", f)
	}
	if f := finding(t, r.Differences, "alert_missing"); f.Total != 1 || !strings.Contains(f.Samples[0], "views of p1 from "+last.WindowStart.Format(time.DateTime)) {
		t.Errorf("%+v, want the window of %s", f, last)
	}
}

func TestW8_ANinthSetWithOpenWindowsIsNotValid(t *testing.T) {
	l := newRuledLog(t)
	for n := range 11 {
		l.change(views(n+1, time.Hour))
		l.events(50)
	}
	l.change(views(2, 30*time.Second))
	l.events(4000) // closes the windows
	for n := range 3 {
		l.change(views(n+1, 20*time.Second))
		l.events(50)
	}
	invalid := 0
	for _, m := range l.models {
		invalid += m.invalid
	}
	alerts := l.store()
	r := verified(l.Shop)
	if f := finding(t, r.Notes, "rule_changes_not_valid"); f.Total != uint64(invalid) || !r.OK() || r.Alerts != uint64(len(alerts)) {
		t.Errorf("%d changes are not valid, want %d, and %d alerts: %s", f.Total, invalid, len(alerts), r)
	}
}

// They are those of an older version, which judged by the rule of its flags.
func TestAlertsOfRulesThatWereNeverPutInForceAreNotedAndNoDifference(t *testing.T) {
	l := newRuledLog(t)
	l.change(views(3, time.Minute))
	l.events(200)
	alerts := l.store()
	flags := event.Rule{ViewsOver: 1, PurchasesUnder: 5, Window: time.Minute, Slide: 10 * time.Second, Lateness: time.Minute}
	old := alerts[0]
	old.Rule, old.ID = flags.String(), flags.AlertID(old.ProductID, event.MillisOf(old.WindowStart))
	open := alerts[1]
	open.Rule, open.ID, open.Status = flags.String(), flags.AlertID(open.ProductID, event.MillisOf(open.WindowStart)), event.Firing
	m := l.Mirror()
	produceAlerts(l.Shop, []event.Alert{old})
	l.WaitStored()
	r := verified(l.Shop)
	if f := finding(t, r.Notes, "alerts_of_other_rules"); f.Total != 1 || !r.OK() || !strings.Contains(f.Samples[0], flags.String()) {
		t.Errorf("%+v: %s", f, r)
	}
	// No closed window stays firing, whatever its rule (W4).
	produceAlerts(l.Shop, []event.Alert{open})
	l.WaitStored()
	m.Stop()
	if f := finding(t, verified(l.Shop).Differences, "alert_not_closed"); f.Total != 1 {
		t.Errorf("%+v, want one", f)
	}
}

// Where the log is cut or read from a later time, the index says which set is in
// force there.
func TestW6_W8_WhatIsLeftOfALogIsJudgedByTheSetInForceThere(t *testing.T) {
	l := newRuledLog(t)
	l.change(views(1, time.Minute))
	l.events(100)
	l.change(views(2, time.Minute))
	l.events(50)
	since := (l.begin + event.Millis(l.n)*1000).Time()
	l.events(600)
	l.change(several)
	l.events(300)
	whole := uint64(len(l.store()))
	r := verified(l.Shop, func(c *verify.Config) { c.Since = since })
	if !r.OK() || r.Alerts < 50 || r.Alerts >= whole || r.RuleChanges == 0 {
		t.Errorf("%d alerts of %d since %s, %d changes: %s", r.Alerts, whole, since, r.RuleChanges, r)
	}
	bySince := r.Alerts
	starts, err := l.Broker.OffsetsSince(t.Context(), l.ID.Topic, since)
	if err != nil {
		t.Fatal(err)
	}
	brokertest.Cut(t, l.Broker, l.ID.Topic, starts)
	l.Exec("ALTER TABLE alert_log DELETE WHERE rule = '" + views(1, time.Minute).Definition(0) + "' SETTINGS mutations_sync = 2")
	r = verified(l.Shop)
	if r.Alerts != bySince || len(r.Differences) > 1 { // the alerts topic is not cut
		t.Errorf("%d alerts of the cut log, want %d: %s", r.Alerts, bySince, r)
	}
}

func TestASetThatIsNotStoredIsNamed(t *testing.T) {
	s := newShop(t)
	s.Produce(broker.RulesRecord(s.ID.Topic, 1, event.RulesChange{Hash: flashSale.Hash(), At: 1_795_000_000_000}))
	s.Mirror()
	_, err := verify.Run(t.Context(), verify.Config{Broker: s.Broker, Warehouse: s.Tables, Wait: 30 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "partition 1, offset 0: rule set "+flashSale.Hash()+" is in force on the log and not in topic") {
		t.Errorf("got %v", err)
	}
}
