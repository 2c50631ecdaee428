package processor

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// views are n views of a product that are received at once, the first of which
// has the number from.
func views(product string, from, n int) []arrival {
	var arrivals []arrival
	for i := from; i < from+n; i++ {
		arrivals = append(arrivals, arrival{event.Event{
			ID: fmt.Sprint(product, "-", i), Type: event.TypeView, Timestamp: noon, UserID: "u", ProductID: product, Quantity: 1,
		}, noon})
	}
	return arrivals
}

// alertsOf are the alerts of a product in the order in which they were emitted.
func alertsOf(s *brokertest.Shop, product string) []event.Alert {
	s.Helper()
	var alerts []event.Alert
	s.Read(s.Broker.Topics().Alerts, func(r *kgo.Record) {
		if string(r.Key) != product {
			return
		}
		a, err := event.DecodeAlert(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		alerts = append(alerts, a)
	})
	return alerts
}

// rareLook has nothing happen but what a record brings about.
func rareLook(s *settings) { s.lookEvery = time.Hour }

func TestW4_AnAlertIsEmittedAtTheEventThatQualifiesIt(t *testing.T) {
	s := newShop(t)
	start(s, smallRule, rareLook)
	for _, product := range []string{"p", "q", "r"} {
		produce(s, views(product, 0, smallRule.ViewsOver+1)...)
		testwait.Until(t, "the alert of "+product+" is emitted", func() bool { return len(alertsOf(s, product)) > 0 })
	}
	check(s, smallRule)
}

func TestW4_AFiringAlertsCountsFollowTheLog(t *testing.T) {
	s := newShop(t)
	start(s, smallRule, func(set *settings) { set.countsEvery = time.Millisecond })
	produce(s, views("p", 0, smallRule.ViewsOver+1)...)
	testwait.Until(t, "it fires", func() bool { return len(alertsOf(s, "p")) > 0 })
	const more = 40
	produce(s, views("p", smallRule.ViewsOver+1, more)...)
	testwait.Until(t, "the alert has all views", func() bool {
		alerts := alertsOf(s, "p")
		last := alerts[len(alerts)-1]
		return last.Views == smallRule.ViewsOver+1+more && last.Status == event.Firing
	})
	check(s, smallRule)
}

// Every window that fires is given once more, not at every read.
func TestAFiringAlertIsBroughtUpToDateAtIntervals(t *testing.T) {
	s := newShop(t)
	p := start(s, smallRule, nil)
	n := 0
	for range 20 {
		produce(s, views("p", n, smallRule.ViewsOver+1)...)
		n += smallRule.ViewsOver + 1
		testwait.Until(t, "they are read", func() bool { return p.Stats().Events == int64(n) })
	}
	partition := event.Partition("p", broker.DefaultPartitions)
	testwait.Until(t, "everything is acknowledged", func() bool {
		done, err := Acknowledged(t.Context(), s.Broker)
		return err == nil && done[partition] == int64(n)
	})
	windows := int(smallRule.Window / smallRule.Slide)
	if alerts := alertsOf(s, "p"); len(alerts) > 3*windows {
		t.Errorf("%d alerts were emitted of %d windows that fire", len(alerts), windows)
	}
}
