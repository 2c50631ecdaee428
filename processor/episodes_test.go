package processor

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// viewsAt are views of a product so many minutes after noon.
func viewsAt(n int, product string, minute int) []arrival {
	at := noon + event.Millis(minute*60_000)
	var arrivals []arrival
	for i := range n {
		arrivals = append(arrivals, arrival{received: at, Event: event.Event{
			ID: fmt.Sprint(product, minute, i), Type: "view", Timestamp: at, UserID: "u", ProductID: product, Quantity: 1,
		}})
	}
	return arrivals
}

// wantEpisodes are the episodes that the alerts of p are in, each by the minute
// after noon of the window that began it.
func wantEpisodes(s *brokertest.Shop, minutes ...int) {
	s.Helper()
	want := map[string]bool{}
	for _, minute := range minutes {
		want[smallRule.AlertID("p", noon+event.Millis(minute*60_000))] = true
	}
	got := map[string]bool{}
	for _, a := range check(s, smallRule) {
		if got[a.EpisodeID] = true; !want[a.EpisodeID] {
			s.Errorf("%v is in the episode %s", a, a.EpisodeID)
		}
	}
	if len(got) != len(want) {
		s.Errorf("%d episodes, not %d", len(got), len(want))
	}
}

// The windows that the later spike's are near to have closed before the commit: the
// log from there on does not say what their episode is.
func TestW9_WhoeverTakesOverGoesOnWithTheEpisodesOnTheAlertsTopic(t *testing.T) {
	s := newShop(t)
	produce(s, viewsAt(11, "p", 0)...)
	produce(s, viewsAt(1, "p", 12)...)
	p := start(s, smallRule, nil)
	testwait.Until(t, "the first windows have closed", func() bool { return p.Stats().Watermark >= noon+11*60_000 && p.Stats().Alerts >= 10 })
	p.Stop()
	produce(s, viewsAt(11, "p", 13)...)
	p = start(s, smallRule, nil)
	p.close()
	wantEpisodes(s, -9)

	// Nothing is near to this one.
	p.Stop()
	produce(s, viewsAt(11, "p", 60)...)
	p = start(s, smallRule, nil)
	p.close()
	wantEpisodes(s, -9, 51)
}

// The commits name offsets of the topic that was deleted.
func TestW9_EpisodesGoOnInAnAlertsTopicThatWasCreatedAgain(t *testing.T) {
	s := newShop(t)
	life := func(minute int) {
		t.Helper()
		produce(s, viewsAt(11, "p", minute)...)
		p := start(s, smallRule, nil)
		p.close()
		p.Stop()
	}
	for minute := -90; minute <= 30; minute += 30 {
		life(minute)
	}
	alerts := s.Broker.Topics().Alerts
	if _, err := kadm.NewClient(s.Broker.Client).DeleteTopic(t.Context(), alerts); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "the topic is created again", func() bool {
		_, err := s.Broker.EnsureTopics(t.Context())
		return err == nil
	})
	life(60)
	life(75)
	episodes := map[string]bool{}
	for _, a := range alertsOf(s, "p") {
		episodes[a.EpisodeID] = true
	}
	if begun := smallRule.AlertID("p", noon+51*60_000); len(episodes) != 1 || !episodes[begun] {
		t.Errorf("%v, not %s alone", episodes, begun)
	}
}

// Nothing of it is counted before its alerts have been read.
func TestW9_APartitionOfTheAlertsWithoutALeaderHoldsUpNoOther(t *testing.T) {
	s, b, _ := outageShop(t)
	leaderless := event.Partition("p", broker.DefaultPartitions)
	other := "q"
	for event.Partition(other, broker.DefaultPartitions) == leaderless {
		other += "q"
	}
	produceNow(s, "p")
	produceNow(s, other)
	p := start(s, smallRule, nil)
	testwait.Until(t, "both have an alert", func() bool { return len(alertsOf(s, "p")) > 0 && len(alertsOf(s, other)) > 0 })
	p.Stop()
	elect := brokertest.Leaderless(t, b, s.Broker, s.Broker.Topics().Alerts, leaderless)
	produceNow(s, "p")
	produceNow(s, other)
	p = start(s, smallRule, nil)
	want := int64(smallRule.ViewsOver + 1)
	testwait.Until(t, "the other partition is counted", func() bool { return p.Stats().Events >= want })
	elect()
	testwait.Until(t, "it is counted too", func() bool { return p.Stats().Events >= 2*want })
	p.close()
	check(s, smallRule)
}
