package notifier

import (
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func TestN1_TheTextForPeople(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	set, err := rules.New(time.Minute, []rules.Rule{{
		Name: "removed", When: "carts >= 20 && cart_removals / carts > 0.8", Window: 90 * time.Second, Slide: 30 * time.Second, Severity: "critical",
		Description: "Taken out & away.",
	}})
	if err != nil {
		t.Fatal(err)
	}
	sale, removed := rules.Default(), set
	for _, test := range []struct {
		notice broker.Notice
		set    *rules.Set
		start  time.Time
		views  int
		want   string
	}{
		{broker.NoticeFirst, sale, at, 101, "*flash_sale* (warning) fires for p: 101 views and 1 purchase from 2026-11-22 10:00 to 10:10 UTC."},
		{broker.NoticeEnd, sale, at, 1, "*flash_sale* is over for p. It began at 2026-11-22 10:00 UTC; at last it had 1 view and 1 purchase from 2026-11-22 10:00 to 10:10 UTC, and the alert was confirmed."},
		{
			broker.NoticeFirst, removed, at, 0,
			"*removed* (critical) fires for p: 0 views and 1 purchase from 2026-11-22 10:00:00 to 10:01:30 UTC. Its condition is `carts&gt;=20, cart_removals/carts&gt;0.8`. Taken out &amp; away.",
		},
		{broker.NoticeEnd, removed, at.Add(30 * time.Second), 2, "*removed* is over for p. It began at 2026-11-22 10:00:30 UTC; at last it had 2 views and 1 purchase from 2026-11-22 10:00:30 to 10:02:00 UTC, and the alert was confirmed."},
	} {
		rule := test.set.Rules()[0]
		a := event.Alert{
			ID: "a", Rule: test.set.Definition(0), ProductID: "p", WindowStart: test.start, WindowEnd: test.start.Add(rule.Window),
			Status: event.Confirmed, Views: test.views, Purchases: 1,
		}
		body := newBody(test.notice, &a, rule, test.start)
		if got := body.sentence(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
