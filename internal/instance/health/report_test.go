package health

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/warehouse"
)

func TestWhatIsUnwellIsNamed(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	well := func() Report {
		return Report{
			Broker: Engine{State: Reachable}, ClickHouse: Engine{State: Reachable},
			Roles: []Role{
				{Name: "collector", State: string(instance.Running)},
				{Name: "mirror", State: string(instance.Running), Members: new(1), Lag: new(int64(7))},
			},
			Newest: new(now.Add(30 * time.Second)), // clocks differ a little
			Jobs:   []jobs.DueRun{{Job: "top_products", State: jobs.Succeeded}, {Job: "conversion_rates", State: jobs.Missing, Due: now.Add(-time.Minute)}},
		}
	}
	r := well()
	if r.judge(Config{}.withDefaults(), now); !r.Healthy || len(r.Unwell) != 0 {
		t.Fatalf("all is well, but %q", r.Unwell)
	}
	day := jobs.NewDay(2026, 11, 23)
	gap := func(from int64) warehouse.Gap {
		return warehouse.Gap{
			Gap:       broker.Gap{Topic: "log", Partition: 3, From: from, To: 25, Reason: broker.Retention},
			NoticedBy: "mirror", NoticedAt: now.Add(-2 * time.Hour),
		}
	}
	for want, change := range map[string]func(r *Report){
		"broker: no answer":     func(r *Report) { r.Broker = Engine{State: Unreachable, Error: "no answer"} },
		"ClickHouse: no answer": func(r *Report) { r.ClickHouse = Engine{State: Unreachable, Error: "no answer"} },
		"collector: waiting to restart: port in use": func(r *Report) {
			r.Roles[0].State, r.Roles[0].Error = string(instance.Waiting), "port in use"
		},
		"collector: starting again after: port in use": func(r *Report) {
			r.Roles[0].State, r.Roles[0].Error = string(instance.Starting), "port in use"
		},
		"mirror: no instance runs it":                        func(r *Report) { r.Roles[1].Members = new(0) },
		"mirror: its lag is 100001 records, more":            func(r *Report) { r.Roles[1].Lag = new(int64(100_001)) },
		"mirror: its lag of 7 records has not shrunk for 5s": func(r *Report) { r.Roles[1].stalled = true },
		"mirror: its lag is not known: no table":             func(r *Report) { r.Roles[1].Lag, r.Roles[1].lagError = nil, errors.New("no table") },
		"received 1133 days ahead of now":                    func(r *Report) { r.Newest = new(now.Add(27207 * time.Hour)) },
		"received 30m ahead of now":                          func(r *Report) { r.Newest = new(now.Add(30 * time.Minute)) },
		"gap: the mirror noticed on 2026-11-24 10:00:00 that topic log-3 no longer holds the offsets 10 to 24;": func(r *Report) { r.Gaps = []warehouse.Gap{gap(10)} },
		"log-3 no longer holds the offsets 10 to 24 (the first of 2 gaps, 20 offsets in all)": func(r *Report) {
			r.Gaps = []warehouse.Gap{gap(10), gap(20)}
		},
		"gap: the mirror noticed on 2026-11-24 10:00:00 that topic log-3 lost the records of the offsets 10 to 24 after they had been read": func(r *Report) {
			lost := gap(10)
			lost.Reason = broker.Lost
			r.Gaps = []warehouse.Gap{lost}
		},
		"accept the gaps with clickstream status --accept-gaps": func(r *Report) {
			accepted := gap(5)
			accepted.AcceptedAt = &now
			r.Gaps = []warehouse.Gap{accepted, gap(10)}
		},
		"job top_products: it was due for 2026-11-23 at 2026-11-24T02:00:00Z and has not run": func(r *Report) {
			r.Jobs[0] = jobs.DueRun{Job: "top_products", Day: day, Due: now.Add(-10 * time.Hour), State: jobs.Missing}
		},
		"job top_products: its run for 2026-11-23 has failed: no memory": func(r *Report) {
			r.Jobs[0] = jobs.DueRun{Job: "top_products", Day: day, State: jobs.Failed, Run: &jobs.Run{Error: "no memory"}}
		},
	} {
		r := well()
		change(&r)
		r.judge(Config{}.withDefaults(), now)
		if r.Healthy || len(r.Unwell) != 1 || !strings.Contains(r.Unwell[0], want) {
			t.Errorf("unwell is %q, want %q", r.Unwell, want)
		}
	}
}

func TestTheNewestEventIsPrintedSensibly(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for want, newest := range map[string]*time.Time{
		"none received":                          nil,
		"newest received 200ms ago":              new(now.Add(-200 * time.Millisecond)),
		"newest received 3h5m ago":               new(now.Add(-3*time.Hour - 5*time.Minute)),
		"newest received 4 days ago":             new(now.Add(-100 * time.Hour)),
		"newest received 1133 days ahead of now": new(now.Add(27207 * time.Hour)),
	} {
		if got := (&Report{Newest: newest}).NewestText(now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
