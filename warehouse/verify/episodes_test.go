package verify_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse/verify"
)

func TestW9_AnAlertOfAnotherEpisodeIsADifference(t *testing.T) {
	s := newShop(t)
	l := produceLog(s, 3, 1500, flashSale)
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	if r := verified(s); !r.OK() {
		t.Fatalf("%s", r)
	}
	all := slices.Concat(l.alerts, l.retracted)
	slices.SortFunc(all, func(a, b event.Alert) int { return b.WindowStart.Compare(a.WindowStart) })
	// The last window of an episode, which no other one joins.
	joined := all[slices.IndexFunc(all, func(a event.Alert) bool { return a.EpisodeID != a.ID })]
	const sync = " SETTINGS mutations_sync = 2"
	s.Exec("ALTER TABLE alert_log UPDATE episode_id = alert_id WHERE alert_id = '" + joined.ID + "'" + sync)
	if f := finding(t, verified(s).Differences, "alert_other_episode"); f.Total != 1 || !strings.Contains(f.Samples[0], joined.ProductID+" from "+joined.WindowStart.Format(time.DateTime)) {
		t.Errorf("%+v, want the window of %s", f, joined)
	}
	// A whole episode under another name is not that of the window which began it.
	s.Exec("ALTER TABLE alert_log UPDATE episode_id = '" + joined.EpisodeID + "' WHERE alert_id = '" + joined.ID + "'" + sync)
	s.Exec("ALTER TABLE alert_log UPDATE episode_id = 'another' WHERE episode_id = '" + joined.EpisodeID + "'" + sync)
	if f := finding(t, verified(s).Differences, "alert_other_episode"); f.Total != 1 || !strings.Contains(f.Samples[0], "it begins an episode") {
		t.Errorf("%+v, want the window that began the episode", f)
	}
	// Alerts of a version that knew no episodes have none.
	s.Exec("ALTER TABLE alert_log UPDATE episode_id = '' WHERE 1" + sync)
	for _, f := range verified(s).Differences {
		if f.Kind == "alert_other_episode" {
			t.Errorf("%+v", f)
		}
	}
}

func TestW4_AWindowThatQualifiedForATimeHasARetractedAlert(t *testing.T) {
	s := newShop(t)
	l := produceLog(s, 1, 1500, flashSale)
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	retracted := l.retracted[0]
	s.Exec("ALTER TABLE alert_log DELETE WHERE alert_id = '" + retracted.ID + "' SETTINGS mutations_sync = 2")
	if f := finding(t, verified(s).Differences, "alert_not_retracted"); f.Total != 1 || !strings.Contains(f.Samples[0], retracted.ProductID) {
		t.Errorf("%+v, want the window of %s", f, retracted)
	}
	never := retracted
	for event.Partition(never.ProductID, s.ID.Partitions) != event.Partition(retracted.ProductID, s.ID.Partitions) || never.ProductID == retracted.ProductID {
		never.ProductID += "x"
	}
	never.ID = flashSale.AlertID(0, never.ProductID, event.MillisOf(never.WindowStart))
	m = s.Mirror()
	produceAlerts(s, []event.Alert{never})
	s.WaitStored()
	m.Stop()
	if f := finding(t, verified(s).Differences, "alert_extra"); f.Total != 1 || !strings.Contains(f.Samples[0], never.ProductID) {
		t.Errorf("%+v, want the alert of %s, whose window never qualified", f, never.ProductID)
	}
}

// Of a large log the products without an alert are followed in part.
func TestW9_ProductsWithAlertsAreFollowedInLargeLogsToo(t *testing.T) {
	s := newShop(t)
	l := produceLog(s, 5, 1500, flashSale, several)
	m := s.Mirror()
	s.WaitStored()
	m.Stop()
	verify.SetFollowedWhole(t, 0)
	if r := verified(s); !r.OK() || r.Alerts != uint64(len(l.alerts)) || r.Retracted != uint64(len(l.retracted)) {
		t.Errorf("%d and %d alerts, want %d and %d: %s", r.Alerts, r.Retracted, len(l.alerts), len(l.retracted), r)
	}
	joined := l.alerts[slices.IndexFunc(l.alerts, func(a event.Alert) bool { return a.EpisodeID != a.ID })]
	s.Exec("ALTER TABLE alert_log UPDATE episode_id = alert_id WHERE alert_id = '" + joined.ID + "' SETTINGS mutations_sync = 2")
	finding(t, verified(s).Differences, "alert_other_episode")
}

// A window before the cut may have begun the episode.
func TestW9_EpisodesAreNotComparedWhereTheLogIsCut(t *testing.T) {
	l := newRuledLog(t)
	l.change(views(2, time.Minute))
	l.events(900)
	alerts := l.store()
	p := event.Partition(alerts[0].ProductID, l.ID.Partitions)
	brokertest.Cut(t, l.Broker, l.ID.Topic, broker.Offsets{p: 100})
	l.Exec("ALTER TABLE alert_log UPDATE episode_id = alert_id WHERE kafka_partition = " + strconv.Itoa(int(p)) + " SETTINGS mutations_sync = 2")
	r := verified(l.Shop)
	if f := finding(t, r.Notes, "episodes_not_compared"); f.Total != 1 {
		t.Errorf("%+v, want one partition", f)
	}
	for _, f := range r.Differences {
		if f.Kind == "alert_other_episode" {
			t.Errorf("%+v", f)
		}
	}
}
