package notifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/processor/notifier/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inbox is a receiver that keeps what it gets.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	got    []got
	answer func(key string) int // default: 200
	before func(g got)          // called with each notice before it is answered
}

type got struct{ key, body string }

func newInbox(t *testing.T) *inbox {
	t.Helper()
	b := &inbox{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender is gone
		}
		g := got{r.Header.Get("Idempotency-Key"), string(body)}
		b.mu.Lock()
		b.got = append(b.got, g)
		answer, before := b.answer, b.before
		b.mu.Unlock()
		if before != nil {
			before(g)
		}
		if answer != nil {
			w.WriteHeader(answer(g.key))
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) notices() []got {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// keys are how often each notice came.
func (b *inbox) keys() map[string]int {
	keys := make(map[string]int)
	for _, g := range b.notices() {
		keys[g.key]++
	}
	return keys
}

func (b *inbox) receiver(name string) webhook.Receiver {
	return webhook.Receiver{Name: name, Format: webhook.JSON, URL: b.URL + "/hook"}
}

// shop is a log with a few partitions, on which alerts are as a test says.
type shop struct {
	*brokertest.Shop
	t *testing.T
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return &shop{brokertest.NewShop(t, brokertest.Options{Partitions: 3}), t}
}

// now is a minute of which windows are still open, the same for all alerts.
var now = time.Now().UTC().Truncate(time.Minute)

func alert(product string, window int, status event.Status, version int64) event.Alert {
	start := now.Add(time.Duration(window-9) * time.Minute)
	rule := event.DefaultRule()
	return event.Alert{
		ID: rule.AlertID(product, event.MillisOf(start)), Rule: rule.String(), ProductID: product, WindowStart: start, WindowEnd: start.Add(10 * time.Minute),
		Status: status, Views: 101 + int(version), Purchases: 1, ConversionRate: 0.5, Version: version, Exact: true,
	}
}

func (s *shop) emit(alerts ...event.Alert) {
	s.t.Helper()
	var records []*kgo.Record
	for _, a := range alerts {
		records = append(records, s.Alert(a))
	}
	s.Produce(records...)
}

func (s *shop) notifier(receivers ...webhook.Receiver) *Notifier {
	s.t.Helper()
	n, err := New(Config{Broker: s.Broker, Receivers: receivers, Log: zerolog.New(zerolog.NewTestWriter(s.t)).Level(zerolog.WarnLevel)})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// ledger is what is on the ledger now.
func (s *shop) ledger() []broker.LedgerEntry {
	s.t.Helper()
	var all []broker.LedgerEntry
	if err := s.Broker.ReadLedger(testwait.Context(s.t), func(_ int32, e broker.LedgerEntry) error {
		all = append(all, e)
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// outcomes are those on the ledger, by notice and receiver.
func (s *shop) outcomes() map[string]broker.Outcome {
	s.t.Helper()
	found := make(map[string]broker.Outcome)
	for _, e := range s.ledger() {
		if e.Kind == broker.LedgerResult {
			found[e.NoticeKey()+"/"+e.Receiver] = e.Outcome
		}
	}
	return found
}

// settled waits until so many notices have a result.
func (s *shop) settled(n int) {
	s.t.Helper()
	testwait.Until(s.t, fmt.Sprintf("%d notices are settled", n), func() bool { return len(s.outcomes()) >= n })
}

// intended fails the test where a notice is not on the ledger when it comes.
func (s *shop) intended(g got) {
	s.t.Helper()
	if !slices.ContainsFunc(s.ledger(), func(e broker.LedgerEntry) bool { return e.Kind == broker.LedgerIntent && e.Body == g.body }) {
		s.t.Errorf("%s is sent, and no intent with its bytes is on the ledger", g.key)
	}
}

// readAll waits until the group has read all alerts of episodes that have ended.
func (s *shop) readAll() {
	s.t.Helper()
	ctx := testwait.Context(s.t)
	ends, err := s.Broker.EndOffsets(ctx, s.Broker.Topics().Alerts)
	if err == nil {
		err = s.Broker.WaitCommitted(ctx, s.Broker.Group("notifier"), s.Broker.Topics().Alerts, ends, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestN1_AnEpisodesFirstFiringAndItsEndAreSentOnceToEachReceiver(t *testing.T) {
	s, first, second := newShop(t), newInbox(t), newInbox(t)
	first.before = s.intended
	slack := second.receiver("slack")
	slack.Format = webhook.Slack
	n := s.notifier(first.receiver("webhook"), slack)
	r := testwait.Run(t, n.Run)
	inEpisode := func(window int, status event.Status, version int64) event.Alert {
		a := alert("p1", window, status, version)
		a.EpisodeID = alert("p1", 0, "", 0).ID
		return a
	}
	s.emit(inEpisode(0, event.Firing, 10), inEpisode(1, event.Firing, 12), inEpisode(0, event.Firing, 13))
	testwait.Until(t, "the first notice is there", func() bool { return len(first.notices()) == 1 })
	s.emit(inEpisode(0, event.Confirmed, 20), inEpisode(2, event.Firing, 21), inEpisode(1, event.Retracted, 22), inEpisode(2, event.Confirmed, 30))
	s.settled(4)
	// A later window of the episode that has ended, and an alert without an episode.
	s.emit(inEpisode(5, event.Firing, 40), inEpisode(5, event.Retracted, 41), alert("p2", 3, event.Firing, 5), alert("p2", 3, event.Retracted, 9))
	s.settled(8)
	s.readAll()
	r.Stop()

	episode := inEpisode(0, event.Firing, 10).EpisodeID
	other := alert("p2", 3, event.Firing, 5).ID
	want := map[string]int{episode + "/first": 1, episode + "/end": 1, other + "/first": 1, other + "/end": 1}
	if got := first.keys(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := second.keys(); !maps.Equal(got, want) {
		t.Errorf("the second receiver got %v, want %v", got, want)
	}
	var body Body
	for _, g := range first.notices() {
		if g.key != episode+"/end" {
			continue
		}
		if err := json.Unmarshal([]byte(g.body), &body); err != nil {
			t.Fatal(err)
		}
	}
	last := inEpisode(2, event.Confirmed, 30)
	if body.Version != 1 || body.Notice != "end" || body.EpisodeID != episode || body.Rule != "flash_sale" || body.Severity != "warning" || body.RuleDefinition != last.Rule ||
		body.AlertID != last.ID || body.AlertVersion != 30 || !body.From.Equal(inEpisode(0, "", 0).WindowStart) || body.Status != event.Confirmed || body.Views != 131 {
		t.Errorf("got %+v", body)
	}
	if text := second.notices()[0].body; !strings.HasPrefix(text, `{"text":"*flash_sale* (warning) fires for p1: 111 views and 1 purchase from `) {
		t.Errorf("got %s", text)
	}
}

func TestN1_HistoryThatIsEmittedAgainNotifiesNobody(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	history := []event.Alert{alert("p1", 0, event.Firing, 1), alert("p1", 0, event.Confirmed, 2), alert("p2", 0, event.Firing, 3)}
	r := testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.emit(history...)
	s.settled(3)
	r.Stop()
	// The group is gone, and the processor counts the log again.
	brokertest.ForgetCommits(t, s.Broker, "notifier")
	s.emit(history...)
	r = testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.emit(alert("p3", 0, event.Firing, 1), alert("p3", 0, event.Confirmed, 2), alert("p2", 0, event.Retracted, 9))
	s.settled(6)
	s.readAll()
	r.Stop()
	for key, times := range box.keys() {
		if times != 1 {
			t.Errorf("%s came %d times", key, times)
		}
	}
}

func TestN1_AnAlertOfAWindowThatEndedLongBeforeIsTooOld(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	old, edge := alert("p1", -100, event.Firing, 1), alert("p2", -58, event.Firing, 1)
	end := old
	end.Status, end.Version = event.Confirmed, 2
	s.emit(old, end, edge)
	testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.settled(2)
	if got := s.outcomes(); got[old.ID+"/first/webhook"] != broker.OutcomeTooOld || got[edge.ID+"/first/webhook"] != broker.OutcomeSent {
		t.Errorf("got %v", got)
	}
	if got, want := box.keys(), map[string]int{edge.ID + "/first": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestN1_ASilencedProductOrRuleDoesNotNotify(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	silence := func(id string, change func(*broker.LedgerEntry)) {
		t.Helper()
		e := broker.LedgerEntry{Kind: broker.LedgerSilence, At: time.Now(), SilenceID: id, Until: time.Now().Add(time.Hour), By: "ann"}
		change(&e)
		if err := s.Broker.WriteLedger(testwait.Context(t), e); err != nil {
			t.Fatal(err)
		}
	}
	hot, err := rules.New(time.Minute, []rules.Rule{{Name: "hot", When: "views > 3", Window: 10 * time.Minute, Slide: time.Minute, Notify: true}, {Name: "mute", When: "views > 3", Window: 10 * time.Minute, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Broker.PutRulesInForce(testwait.Context(t), hot, time.Now()); err != nil {
		t.Fatal(err)
	}
	of := func(rule int, product string) event.Alert {
		a := alert(product, 0, event.Firing, 1)
		a.Rule = hot.Definition(rule)
		a.ID = hot.AlertID(rule, product, event.MillisOf(a.WindowStart))
		return a
	}
	silence("s1", func(e *broker.LedgerEntry) { e.ProductID = "p1" })
	r := testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	silenced, loud := alert("p1", 0, event.Firing, 1), alert("p2", 0, event.Firing, 1)
	end := silenced
	end.Status = event.Confirmed
	s.emit(silenced, end, loud, of(1, "p2"))
	s.settled(2)
	// While it runs, and for a rule.
	silence("s2", func(e *broker.LedgerEntry) { e.Rule = "hot" })
	byRule := of(0, "p3")
	s.emit(byRule)
	s.settled(3)
	r.Stop()
	// Kept through a restart; a silence that was ended holds no longer.
	silence("s2", func(e *broker.LedgerEntry) { e.Rule, e.Until = "hot", e.At })
	again, ended := alert("p1", 1, event.Firing, 1), of(0, "p4")
	s.emit(again, ended)
	testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.settled(5)
	want := map[string]broker.Outcome{
		silenced.ID: broker.OutcomeSilenced, loud.ID: broker.OutcomeSent, byRule.ID: broker.OutcomeSilenced, again.ID: broker.OutcomeSilenced, ended.ID: broker.OutcomeSent,
	}
	got := s.outcomes()
	for id, outcome := range want {
		if got[id+"/first/webhook"] != outcome {
			t.Errorf("%s is %q, want %q", id, got[id+"/first/webhook"], outcome)
		}
	}
	if len(box.notices()) != 2 {
		t.Errorf("got %v", box.keys())
	}
}

func TestN1_AReceiverThatRefusesANoticeGetsNoEnd(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	box.answer = func(string) int { return http.StatusBadRequest }
	a := alert("p1", 0, event.Firing, 1)
	end := a
	end.Status = event.Confirmed
	testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.emit(a)
	s.settled(1)
	s.emit(end)
	s.readAll()
	if got := s.outcomes(); len(got) != 1 || got[a.ID+"/first/webhook"] != broker.OutcomeFailed || len(box.notices()) != 1 {
		t.Errorf("got %v and %v", got, box.keys())
	}
}

// crash ends a Notifier before it takes a step for the n-th time, and before all
// that would follow.
type crash struct {
	mu   sync.Mutex
	step string
	left int
}

var errCrash = errors.New("the process is killed")

func (c *crash) reached(step string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if step == c.step && c.left > 0 {
		c.left--
	}
	if c.left == 0 {
		return errCrash
	}
	return nil
}

func (c *crash) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left == 0
}

func TestN1_WhateverStepACrashPrecedesNoNoticeIsLostOrChanged(t *testing.T) {
	for _, step := range []string{stepIntents, stepDecided, stepSend, stepResult, stepCommit} {
		for n := 1; killedAt(t, step, n); n++ {
			if n == 10 {
				t.Fatalf("%s: it takes the step again and again", step)
			}
		}
	}
}

// killedAt returns false if a notifier had nothing more to do before it would
// have been killed; that must not be so the first time.
func killedAt(t *testing.T, step string, n int) bool {
	t.Helper()
	s, box := newShop(t), newInbox(t)
	box.before = s.intended
	c := &crash{step: step, left: n}
	killed := s.notifier(box.receiver("webhook"))
	killed.at = c.reached
	r := testwait.Run(t, killed.Run)
	a, b := alert("p1", 0, event.Firing, 1), alert("p2", 0, event.Firing, 1)
	over := a
	over.Status, over.Version, over.Views = event.Confirmed, 5, 140
	s.emit(a, b)
	testwait.Until(t, "it is killed, or done", func() bool { return c.ended() || len(s.outcomes()) == 2 })
	s.emit(over)
	testwait.Until(t, "it is killed, or done", func() bool { return c.ended() || len(s.outcomes()) == 3 })
	if n > 1 && !c.ended() {
		r.Stop()
		return false
	}
	if err := r.Wait(); !errors.Is(err, errCrash) {
		t.Fatalf("%s, time %d: %v", step, n, err)
	}
	r = testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.settled(3)
	r.Stop()
	bytes := make(map[string]string)
	for _, g := range box.notices() {
		if before, ok := bytes[g.key]; ok && before != g.body {
			t.Errorf("%s, time %d: %s came with other bytes: %s and %s", step, n, g.key, before, g.body)
		}
		bytes[g.key] = g.body
	}
	want := []string{a.ID + "/end", a.ID + "/first", b.ID + "/first"}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(bytes)); !slices.Equal(got, want) {
		t.Errorf("%s, time %d: got %v, want %v", step, n, got, want)
	}
	// Only what was under way is sent again, and there is one notice at a time.
	if len(box.notices()) > 4 {
		t.Errorf("%s, time %d: got %v", step, n, box.keys())
	}
	return true
}
