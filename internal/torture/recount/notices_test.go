package recount_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clickstream/internal/torture/recount"
)

// topics are the alerts and the ledger of a test's own, and what a receiver got.
type topics struct {
	alerts, ledger []string
	received       []recount.Received
}

const window = `"product_id":"p","window_start":"2023-11-14T22:13:20Z","window_end":"2023-11-14T22:13:30Z","purchases":0,"conversion_rate":0,"exact":true`

func firing(episode string, version int) string {
	return fmt.Sprintf(`{"alert_id":"x","episode_id":%q,"rule":"r",%s,"status":"firing","views":2,"version":%d}`, episode, window, version)
}

func confirmed(version int) string {
	return fmt.Sprintf(`{"alert_id":"x","episode_id":"x","rule":"r",%s,"status":"confirmed","views":3,"version":%d}`, window, version)
}

const (
	firstBody = `{"version":1,"notice":"first","key":"x/first","episode_id":"x","rule":"r","rule_definition":"r","from":"2023-11-14T22:13:20Z",` +
		`"alert_id":"x","alert_version":4,"status":"firing","views":2,` + window + `}`
	endBody = `{"version":1,"notice":"end","key":"x/end","episode_id":"x","rule":"r","rule_definition":"r","from":"2023-11-14T22:13:20Z",` +
		`"alert_id":"x","alert_version":7,"status":"confirmed","views":3,` + window + `}`
)

func intent(notice, body string) string {
	return fmt.Sprintf(`{"kind":"intent","at":"2023-11-14T22:13:31Z","episode_id":"x","alert_id":"x","notice":%q,"body":%q}`, notice, body)
}

func result(notice, outcome, at string) string {
	return fmt.Sprintf(`{"kind":"result","at":%q,"episode_id":"x","alert_id":"x","notice":%q,"outcome":%q}`, at, notice, outcome)
}

const soon, later = "2023-11-14T22:13:32Z", "2023-11-14T23:13:31Z"

// notified is an episode that fired and ended. Its first notice was sent twice,
// as the first answer was lost.
func notified() topics {
	return topics{
		alerts: []string{firing("x", 4), confirmed(7), firing("x", 4), confirmed(7)},
		ledger: []string{
			intent("first", firstBody), result("first", "sent", soon), intent("first", firstBody),
			intent("end", endBody), result("end", "sent", soon),
		},
		received: []recount.Received{
			{Key: "x/first", Body: firstBody}, {Key: "x/first", Body: firstBody, Taken: true}, {Key: "x/end", Body: endBody, Taken: true},
		},
	}
}

func (t topics) compare() []string {
	l := recount.NewLog("events", rule)
	for _, value := range t.ledger { // it may be read before the alerts
		l.AddLedger(recount.Record{Value: []byte(value)})
	}
	for _, value := range t.alerts {
		l.AddAlert(recount.Record{Value: []byte(value)})
	}
	return l.CompareNotices(t.received)
}

func TestNoticesThatTheAlertsGiveAreRight(t *testing.T) {
	for name, change := range map[string]func(*topics){
		"sent, one of them twice": func(*topics) {},
		"too old, without an end": func(s *topics) { s.ledger, s.received = []string{result("first", "too_old", later)}, nil },
		"an episode that is not over yet": func(s *topics) {
			s.alerts, s.ledger, s.received = s.alerts[:1], s.ledger[:2], s.received[:2]
		},
		"an episode of which nobody saw the firing": func(s *topics) {
			s.alerts, s.ledger, s.received = []string{confirmed(7), firing("x", 4), confirmed(7)}, nil, nil
		},
	} {
		s := notified()
		change(&s)
		if wrong := s.compare(); len(wrong) > 0 {
			t.Errorf("%s: wrong: %q", name, wrong)
		}
	}
}

func TestEveryWrongNoticeIsFound(t *testing.T) {
	other := strings.Replace(firstBody, `"version":1`, `"version":2`, 1)
	// both changes the bytes of the first notice on the ledger and at the receiver.
	both := func(s *topics, from, to string) {
		body := strings.Replace(firstBody, from, to, 1)
		s.ledger[0], s.ledger[2], s.received[0].Body, s.received[1].Body = intent("first", body), intent("first", body), body, body
	}
	for _, c := range []struct {
		want string
		make func(*topics)
	}{
		{"episodes that have fired and were not notified", func(s *topics) { s.ledger, s.received = nil, nil }},
		{"episodes that are over and whose end was not notified", func(s *topics) { s.ledger, s.received = s.ledger[:3], s.received[:2] }},
		{"notices without a result", func(s *topics) { s.ledger = s.ledger[:4] }},
		{"notices with a result that nothing accounts for", func(s *topics) { s.ledger[4] = result("end", "failed", soon) }},
		{"notices with a result that nothing accounts for", func(s *topics) { s.ledger[4] = result("end", "silenced", soon) }},
		{"notices with a result that nothing accounts for", func(s *topics) { s.ledger[1] = result("first", "too_old", soon) }},
		{"notices with a result that nothing accounts for", func(s *topics) { s.ledger[4] = result("end", "too_old", later) }},
		{"notices that count as sent and that the receiver did not take", func(s *topics) { s.received = s.received[:2] }},
		{"notices that count as sent and that the receiver did not take", func(s *topics) { s.received[2].Taken = false }},
		{"notices received without an intent", func(s *topics) { s.received[0].Key = "y/first" }},
		{"notices received without an intent", func(s *topics) { s.ledger = append(s.ledger[:3], s.ledger[4]) }},
		{"notices received with other bytes than the ledger's", func(s *topics) { s.received[1].Body = other }},
		{"notices received that do not say what their key says", func(s *topics) { both(s, "x/first", "x/end") }},
		{"notices received that do not say what their key says", func(s *topics) { both(s, `"notice":"first"`, `"notice":"end"`) }},
		{"notices received that do not say what their key says", func(s *topics) { both(s, "{", "") }},
		{"notices received that the alerts do not give", func(s *topics) { s.alerts = s.alerts[1:2] }},
		{"notices received that the alerts do not give", func(s *topics) { s.alerts = []string{firing("y", 4)} }},
		{"notices received that the alerts do not give", func(s *topics) { both(s, `"views":2`, `"views":3`) }},
		{"ends received before the first notice was taken", func(s *topics) { slices.Reverse(s.received) }},
		{"ends received before the first notice was taken", func(s *topics) { s.received[1].Taken = false }},
		{"an alert is of two episodes", func(s *topics) { s.alerts[2] = firing("y", 4) }},
		{"a notice has two intents", func(s *topics) { s.ledger[2] = intent("first", other) }},
		{"the ledger holds what is no entry", func(s *topics) { s.ledger[2] = "{" }},
	} {
		t.Run(c.want, func(t *testing.T) {
			s := notified()
			c.make(&s)
			if wrong := s.compare(); !slices.ContainsFunc(wrong, func(text string) bool { return strings.HasPrefix(text, c.want) }) {
				t.Errorf("got %q", wrong)
			}
		})
	}
}
