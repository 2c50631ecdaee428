package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/notifier"
	"clickstream/processor/notifier/webhook"
)

// emitted is an alert as it is on the alerts topic.
type emitted struct {
	event.Alert
	partition int32
}

// written is an entry as it is on the ledger.
type written struct {
	broker.LedgerEntry
	partition int32
	offset    int64
}

// episode is what the alerts topic says of one.
type episode struct {
	first *emitted            // its first firing alert
	ends  map[string]*emitted // at which none of its alerts was firing any more, by id and version
}

// notice is what is known of one, to one receiver.
type notice struct {
	intents []written
	result  *written // the first one counts
	came    []request
}

func (n *notice) sent() bool { return n.result != nil && n.result.Outcome == broker.OutcomeSent }

func (n *notice) took(before time.Time) bool {
	for _, r := range n.came {
		if r.took && r.at.Before(before) {
			return true
		}
	}
	return false
}

// notices are those on the ledger and at the receivers.
type notices map[string]*notice

func (all notices) of(key, receiver string) *notice {
	key += "/" + receiver
	if all[key] == nil {
		all[key] = &notice{}
	}
	return all[key]
}

// checkNotices compares what receivers got with the alerts topic and the ledger.
// It is called when all alerts are decided and every notice has its result.
func (w *world) checkNotices(alerts []emitted, ledger []written) {
	episodes := episodesOf(alerts)
	all := make(notices)
	silences := make(map[string][]broker.LedgerEntry)
	for _, e := range ledger {
		if e.Kind == broker.LedgerSilence {
			silences[e.SilenceID] = append(silences[e.SilenceID], e.LedgerEntry)
		}
	}
	for _, e := range ledger {
		switch e.Kind {
		case broker.LedgerIntent:
			n := all.of(e.NoticeKey(), e.Receiver)
			n.intents = append(n.intents, e)
		case broker.LedgerResult:
			if n := all.of(e.NoticeKey(), e.Receiver); n.result == nil {
				n.result = &e
			}
		}
		if e.Kind == broker.LedgerIntent || e.Kind == broker.LedgerResult {
			w.checkEntry(episodes[e.EpisodeID], &e, silences)
		}
	}
	for _, r := range w.receivers.came() {
		n := all.of(r.key, r.receiver)
		w.checkRequest(all, n, r)
		n.came = append(n.came, r)
	}
	w.notices, w.repeated = 0, 0
	for id, e := range episodes {
		for _, r := range w.receivers.named() {
			w.checkEpisode(id, e, r.Name, all)
		}
	}
}

// episodesOf reads the alerts of rules that notify. An older version of an alert
// may be repeated after a newer one, and says nothing.
func episodesOf(alerts []emitted) map[string]*episode {
	episodes := make(map[string]*episode)
	latest := make(map[string]int64)
	firing := make(map[string]map[string]bool) // by episode and alert
	for _, a := range alerts {
		if !notifies(a.Rule) || a.Version < latest[a.ID] {
			continue
		}
		latest[a.ID] = a.Version
		e := episodes[a.EpisodeID]
		if e == nil {
			e = &episode{ends: make(map[string]*emitted)}
			episodes[a.EpisodeID], firing[a.EpisodeID] = e, make(map[string]bool)
		}
		if a.Status == event.Firing {
			if e.first == nil {
				e.first = &a
			}
			firing[a.EpisodeID][a.ID] = true
			continue
		}
		delete(firing[a.EpisodeID], a.ID)
		if e.first != nil && len(firing[a.EpisodeID]) == 0 {
			e.ends[versionOf(a.ID, a.Version)] = &a
		}
	}
	return episodes
}

func versionOf(alert string, version int64) string { return fmt.Sprint(alert, " ", version) }

// checkEntry checks an intent or a result by itself.
func (w *world) checkEntry(e *episode, entry *written, silences map[string][]broker.LedgerEntry) {
	wrong := func(format string, args ...any) {
		w.Errorf("the %s of %s to %s at offset %d of ledger partition %d: %s", entry.Kind, entry.NoticeKey(), entry.Receiver, entry.offset, entry.partition, fmt.Sprintf(format, args...))
	}
	if e == nil || e.first == nil {
		wrong("no alert of a rule that notifies fires in the episode")
		return
	}
	if entry.partition != e.first.partition {
		wrong("its alerts are in partition %d", e.first.partition)
	}
	if entry.Notice == broker.NoticeFirst && entry.AlertID != e.first.ID {
		wrong("it is of the alert %s; %s fired first", entry.AlertID, e.first.ID)
	}
	age := entry.At.Sub(e.first.WindowEnd)
	switch {
	case entry.Kind == broker.LedgerIntent && entry.Notice == broker.NoticeFirst && age > w.maxAge:
		wrong("its window ended %s before, which is too old", age)
	case entry.Outcome == broker.OutcomeTooOld && (entry.Notice != broker.NoticeFirst || age+time.Millisecond <= w.maxAge):
		wrong("its window ended %s before, which is not too old", age)
	case entry.Outcome == broker.OutcomeSilenced:
		for _, s := range silences[strings.TrimPrefix(entry.Reason, "silence ")] {
			if (s.ProductID == entry.ProductID || s.Rule != "" && s.Rule == entry.Rule) && entry.At.Before(s.Until) {
				return
			}
		}
		wrong("no silence holds: %s", entry.Reason)
	case entry.Kind == broker.LedgerIntent:
		w.checkSilence(entry, wrong)
		if entry.Receiver == string(webhook.JSON) {
			w.checkBody(e, entry, wrong)
		}
	}
}

// checkSilence looks for a silence that the notifier had to know of.
func (w *world) checkSilence(entry *written, wrong func(string, ...any)) {
	// The longest that a decision may take between its look at the ledger and now.
	const longest = 20 * time.Second
	for _, s := range w.silenced {
		if (s.ProductID == entry.ProductID || s.Rule != "" && s.Rule == entry.Rule) &&
			s.acknowledged.Add(longest).Before(entry.At) && entry.At.Before(s.least) {
			wrong("it was decided at %s, and the silence %s holds until %s", entry.At, s.SilenceID, s.least)
		}
	}
}

// checkBody compares the bytes that are sent with the alerts topic.
func (w *world) checkBody(e *episode, entry *written, wrong func(string, ...any)) {
	var b notifier.Body
	if err := json.Unmarshal([]byte(entry.Body), &b); err != nil {
		wrong("its body: %v", err)
		return
	}
	a := e.first
	if entry.Notice == broker.NoticeEnd {
		a = e.ends[versionOf(b.AlertID, b.AlertVersion)]
	}
	if a == nil {
		wrong("an alert of its episode was firing at %s, version %d, or that is not on the alerts topic", b.AlertID, b.AlertVersion)
		return
	}
	want := notifier.Body{
		Version: 1, Notice: string(entry.Notice), Key: entry.NoticeKey(), EpisodeID: a.EpisodeID, ProductID: a.ProductID,
		Rule: event.RuleName(a.Rule), RuleDefinition: a.Rule, Severity: b.Severity, From: e.first.WindowStart,
		AlertID: a.ID, AlertVersion: a.Version, WindowStart: a.WindowStart, WindowEnd: a.WindowEnd,
		Status: a.Status, Views: a.Views, Purchases: a.Purchases, ConversionRate: a.ConversionRate, Exact: a.Exact,
	}
	if b != want {
		wrong("its body is %+v; the alerts topic says %+v", b, want)
	}
}

// checkRequest checks what a receiver got, with what had come before it.
func (w *world) checkRequest(all notices, n *notice, r request) {
	wrong := func(format string, args ...any) {
		w.Errorf("the receiver %s got %s at %s: %s", r.receiver, r.key, r.at.Format(time.TimeOnly), fmt.Sprintf(format, args...))
	}
	switch {
	case len(n.intents) == 0:
		wrong("no intent is on the ledger")
		return
	case n.intents[0].offset >= r.ledger[n.intents[0].partition]:
		wrong("its intent was not on the ledger then")
	case n.intents[0].Body != r.body:
		wrong("with the bytes %s; its intent has %s", r.body, n.intents[0].Body)
	}
	episode, is, _ := strings.Cut(r.key, "/")
	if first := all.of(episode+"/"+string(broker.NoticeFirst), r.receiver); is == string(broker.NoticeEnd) && !first.took(r.at) {
		wrong("it did not get the first notice before")
	}
	// An instance looks at the ledger before it sends, and then tries for a while.
	const longest = time.Minute
	if n.result == nil {
		return
	}
	for _, before := range w.receivers.came() {
		if before.at.Add(longest).After(r.sent) {
			return
		}
		if before.ledger[n.result.partition] > n.result.offset {
			wrong("it was sent at %s, long after its result %s was on the ledger", r.sent.Format(time.TimeOnly), n.result.Outcome)
			return
		}
	}
}

// checkEpisode checks that a receiver got both notices, or why it did not.
func (w *world) checkEpisode(id string, e *episode, receiver string, all notices) {
	if e.first == nil {
		return // its alerts were over before any firing was emitted
	}
	first, end := all.of(id+"/"+string(broker.NoticeFirst), receiver), all.of(id+"/"+string(broker.NoticeEnd), receiver)
	w.checkNotice(id, broker.NoticeFirst, receiver, first)
	switch {
	case len(e.ends) == 0:
		w.Errorf("the alerts of the episode %s are still firing", id)
	case first.sent():
		w.checkNotice(id, broker.NoticeEnd, receiver, end)
	case end.sent():
		w.Errorf("the end of the episode %s was sent to %s, and its first notice was not", id, receiver)
	}
}

func (w *world) checkNotice(id string, is broker.Notice, receiver string, n *notice) {
	wrong := func(format string, args ...any) {
		w.Errorf("the notice %s/%s to %s: %s", id, is, receiver, fmt.Sprintf(format, args...))
	}
	if n.result == nil {
		wrong("the ledger has no result; %d intents", len(n.intents))
		return
	}
	w.notices++
	w.repeated += max(len(n.came)-1, 0)
	switch n.result.Outcome {
	case broker.OutcomeSent:
		if !n.took(n.result.At.Add(time.Millisecond)) {
			wrong("it is on the ledger as sent, and the receiver has not got it")
		}
	case broker.OutcomeFailed:
		if len(n.intents) == 0 {
			wrong("it failed without an intent")
			return
		}
		if len(n.came) > 0 && strings.HasPrefix(n.result.Reason, "answered 410") || n.result.At.Sub(n.intents[0].At) > w.giveUp {
			return
		}
		wrong("it failed, and no contract says so: %s", n.result.Reason)
	}
}

// readNotices reads the alerts topic and the ledger.
func (w *world) readNotices(ctx context.Context) (alerts []emitted, ledger []written) {
	w.read(ctx, w.observer.Topics().Alerts, func(r *kgo.Record) error {
		a, err := event.DecodeAlert(r.Value)
		alerts = append(alerts, emitted{a, r.Partition})
		return err
	})
	w.read(ctx, w.observer.Topics().Notifications, func(r *kgo.Record) error {
		e, err := broker.ParseLedger(r)
		ledger = append(ledger, written{e, r.Partition, r.Offset})
		return err
	})
	return alerts, ledger
}
