package recount

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// oldAfter is how long a window may have ended when its episode is first
// notified, as the instances have it by default.
const oldAfter = time.Hour

// Received is a request that the receiver of notices has got whole.
type Received struct {
	Key   string // the header Idempotency-Key
	Body  string
	Taken bool // it was, or was to be, answered with 2xx
}

// episode is what the alerts topic says of an episode.
type episode struct {
	fired  bool // with a version that was the alert's highest then
	alerts map[string]bool
}

// notice is what the ledger says of a notice.
type notice struct {
	body    string // of its intent; empty where there is none
	outcome string // of its first result, and when that was
	at      time.Time
	alert   string // at which it became due
}

// entryJSON is an entry of the ledger as it is written to its topic.
type entryJSON struct {
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	Episode string    `json:"episode_id"`
	Alert   string    `json:"alert_id"`
	Notice  string    `json:"notice"`
	Body    string    `json:"body"`
	Outcome string    `json:"outcome"`
}

// bodyJSON is what a receiver gets.
type bodyJSON struct {
	Notice         string    `json:"notice"`
	Key            string    `json:"key"`
	Episode        string    `json:"episode_id"`
	Product        string    `json:"product_id"`
	Rule           string    `json:"rule_definition"`
	From           time.Time `json:"from"`
	Alert          string    `json:"alert_id"`
	Version        int64     `json:"alert_version"`
	Start          time.Time `json:"window_start"`
	End            time.Time `json:"window_end"`
	Status         string    `json:"status"`
	Views          int       `json:"views"`
	Purchases      int       `json:"purchases"`
	ConversionRate float64   `json:"conversion_rate"`
	Exact          bool      `json:"exact"`
}

func (b bodyJSON) alert() Alert {
	return Alert{
		ID: b.Alert, Rule: b.Rule, Product: b.Product, Start: b.Start.UnixMilli(), End: b.End.UnixMilli(), Status: b.Status,
		Views: b.Views, Purchases: b.Purchases, ConversionRate: b.ConversionRate, Version: b.Version, Exact: b.Exact,
	}
}

// addToEpisode counts an alert, before it becomes its latest version, for its
// episode.
func (l *Log) addToEpisode(id string, a Alert) {
	if before, ok := l.episodeOf[a.ID]; ok && before != id {
		l.fault("an alert is of two episodes: %s of %s and %s", a.ID, before, id)
	}
	l.episodeOf[a.ID] = id
	e := l.episodes[id]
	if e == nil {
		e = &episode{alerts: make(map[string]bool)}
		l.episodes[id] = e
	}
	e.alerts[a.ID] = true
	if a.Status == "firing" && a.Version >= l.alerts[a.ID].Version {
		e.fired = true
	}
}

// AddLedger adds a record of the ledger of notices. There is one receiver.
func (l *Log) AddLedger(r Record) {
	var e entryJSON
	if err := json.Unmarshal(r.Value, &e); err != nil {
		l.fault("the ledger holds what is no entry: partition %d, offset %d: %v", r.Partition, r.Offset, err)
		return
	}
	key := e.Episode + "/" + e.Notice
	n := l.notices[key]
	if n == nil {
		n = &notice{}
		l.notices[key] = n
	}
	switch {
	case e.Kind == "intent" && n.body != "" && n.body != e.Body:
		l.fault("a notice has two intents: %s and %s", n.body, e.Body)
	case e.Kind == "intent":
		n.body = e.Body
	case e.Kind == "result" && n.outcome == "":
		n.outcome, n.at, n.alert = e.Outcome, e.At, e.Alert
	}
}

// Episodes is how many episodes have fired, Notices how many notices the ledger
// holds.
func (l *Log) Episodes() (n int) {
	for _, e := range l.episodes {
		if e.fired {
			n++
		}
	}
	return n
}

func (l *Log) Notices() int { return len(l.notices) }

// CompareNotices says how what a receiver has got, in this order, differs from
// what the alerts and the ledger give: nothing, where all is right.
func (l *Log) CompareNotices(received []Received) []string {
	d := differences{texts: slices.Clone(l.Faults), counts: make(map[string]int)}
	taken := make(map[string]bool)
	for _, r := range received {
		l.compareReceived(r, taken, &d)
		if r.Taken {
			taken[r.Key] = true
		}
	}
	for id, e := range l.episodes {
		first := l.notices[id+"/first"]
		if e.fired && first == nil {
			d.add("episodes that have fired and were not notified", "%s", id)
		}
		if e.fired && first != nil && first.outcome == "sent" && l.over(e) && l.notices[id+"/end"] == nil {
			d.add("episodes that are over and whose end was not notified", "%s", id)
		}
	}
	for key, n := range l.notices {
		switch {
		case n.outcome == "":
			d.add("notices without a result", "%s", key)
		case n.outcome != "sent" && !(strings.HasSuffix(key, "/first") && l.tooOld(n)):
			d.add("notices with a result that nothing accounts for", "%s is %s", key, n.outcome)
		case n.outcome == "sent" && !taken[key]:
			d.add("notices that count as sent and that the receiver did not take", "%s", key)
		}
	}
	return d.all()
}

// tooOld says whether a notice has that outcome, and rightly so. No other accounts
// for a notice that was not sent: nobody silences, and no receiver refuses.
func (l *Log) tooOld(n *notice) bool {
	return n.outcome == "too_old" && n.at.Sub(time.UnixMilli(l.alerts[n.alert].End)) > oldAfter
}

// over says whether none of the episode's alerts is firing any more.
func (l *Log) over(e *episode) bool {
	for id := range e.alerts {
		if l.alerts[id].Status == "firing" {
			return false
		}
	}
	return true
}

// compareReceived compares a request with the ledger and the alerts.
func (l *Log) compareReceived(r Received, taken map[string]bool, d *differences) {
	n := l.notices[r.Key]
	if n == nil || n.body == "" {
		d.add("notices received without an intent", "%s: %s", r.Key, r.Body)
		return
	}
	if r.Body != n.body {
		d.add("notices received with other bytes than the ledger's", "%s: %s, on the ledger %s", r.Key, r.Body, n.body)
		return
	}
	var b bodyJSON
	if err := json.Unmarshal([]byte(r.Body), &b); err != nil || b.Key != r.Key || b.Key != b.Episode+"/"+b.Notice {
		d.add("notices received that do not say what their key says", "%s: %s", r.Key, r.Body)
		return
	}
	a, known := l.versions[fmt.Sprintf("%s/%d", b.Alert, b.Version)]
	if !known || a != b.alert() || l.episodeOf[b.Alert] != b.Episode || (a.Status == "firing") != (b.Notice == "first") {
		d.add("notices received that the alerts do not give", "%s, in the topic %+v", r.Body, a)
	}
	id, end := strings.CutSuffix(r.Key, "/end")
	if end && !taken[id+"/first"] {
		d.add("ends received before the first notice was taken", "%s", r.Key)
	}
}
