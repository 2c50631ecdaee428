package processor

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// standing are the alerts on the topic with the highest version, by id. One
// version has one content.
func standing(s *brokertest.Shop) map[string]event.Alert {
	s.Helper()
	type version struct {
		id string
		at int64
	}
	latest, contents := map[string]event.Alert{}, map[version]event.Alert{}
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		v := version{a.ID, a.Version}
		if old, known := contents[v]; known && old != a {
			s.Fatalf("one version, two contents:\n%v\n%v", old, a)
		}
		contents[v] = a
		if a.Version >= latest[a.ID].Version {
			latest[a.ID] = a
		}
	})
	return latest
}

// wantAbandoned compares what was firing with how it is now: finished by its
// windows, or abandoned. It returns how many are abandoned.
func wantAbandoned(s *brokertest.Shop, before map[string]event.Alert) (n int) {
	s.Helper()
	for id, now := range standing(s) {
		if now.Status == event.Firing {
			s.Errorf("%v is left firing", now)
		}
		if last := before[id]; last.Status == event.Firing && !now.Exact {
			if now != abandoned(last) {
				s.Errorf("%v became %v, version %d", last, now, now.Version)
			}
			n++
		}
	}
	return n
}

// firingShop has alerts of a rule that fire when its processor stops.
func firingShop(t *testing.T) (*brokertest.Shop, []arrival, map[string]event.Alert) {
	t.Helper()
	s := newShop(t)
	arrivals := someHours(31, 4000)
	produce(s, arrivals[:2000]...)
	p := start(s, smallRule, nil)
	if err := WaitAcknowledged(testwait.Context(t), s.Broker, endsOf(s, s.ID.Topic)); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	return s, arrivals[2000:], standing(s)
}

// An older version was given a rule in flags that never was on the log, and its
// commits are gone.
func TestW4_NoAlertOfARuleThatIsNoLongerJudgedStaysFiring(t *testing.T) {
	s, arrivals, before := firingShop(t)
	other := smallRule
	other.ViewsOver = 15
	brokertest.ForgetCommits(t, s.Broker, "processor")
	produce(s, arrivals...)
	// Killed before a commit, whatever it has emitted.
	for range 2 {
		p := start(s, other, func(s *settings) { s.unclean, s.commitEvery = true, time.Hour })
		testwait.Until(t, "alerts are emitted", func() bool { return p.Stats().Alerts > 0 })
		p.Stop()
	}
	p := start(s, other, nil)
	p.close()
	p.Stop()
	check(s, other)
	if wantAbandoned(s, before) == 0 {
		t.Error("no alert was firing when the rule changed")
	}
	emitted := s.Length(s.Broker.Topics().Alerts)
	p = start(s, other, nil)
	p.close()
	p.Stop()
	if n := s.Length(s.Broker.Topics().Alerts) - emitted; n != 0 {
		t.Errorf("%d alerts are emitted again by an instance that continues", n)
	}
}

// A group's commits end when it has been away for long.
func TestW4_AlertsThatTheLogStillFinishesAreFinishedByTheirWindows(t *testing.T) {
	s, arrivals, before := firingShop(t)
	brokertest.ForgetCommits(t, s.Broker, "processor")
	produce(s, arrivals...)
	p := start(s, smallRule, nil)
	p.close()
	p.Stop()
	check(s, smallRule)
	if n := wantAbandoned(s, before); n != 0 {
		t.Errorf("%d alerts are abandoned whose windows are judged", n)
	}
}

func TestARepeatedFiringAlertBehindItsFinalOneIsNoFiringAlert(t *testing.T) {
	st := earlierAlerts{firing: map[string]event.Alert{}, ended: &versions{}}
	for i, a := range []event.Alert{
		{ID: "p", Version: 5, Status: event.Firing}, {ID: "p", Version: 9, Status: event.Confirmed}, {ID: "p", Version: 5, Status: event.Firing},
		{ID: "q", Version: 5, Status: event.Firing}, {ID: "q", Version: 7, Status: event.Retracted}, {ID: "q", Version: 9, Status: event.Firing},
		{ID: "q", Version: 5, Status: event.Firing},
	} {
		st.take(a, int64(i))
	}
	if a, fires := st.firing["p"]; fires {
		t.Errorf("%v is taken for firing", a)
	}
	if a, fires := st.firing["q"]; !fires || a.Version != 9 {
		t.Errorf("%v, %t; want version 9", a, fires)
	}
}
