package windows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// episodesOf are the windows of alerts, in seconds after noon, each with the one
// that began its episode.
func episodesOf(alerts []event.Alert) (of []string) {
	begun := map[string]int64{}
	for s := int64(-60); s < 200; s++ {
		for _, a := range alerts {
			begun[event.AlertID(a.Rule, a.ProductID, noon+event.Millis(s*1000))] = s
		}
	}
	for _, a := range alerts {
		start, text := (event.MillisOf(a.WindowStart)-noon)/1000, "nothing"
		if s, ok := begun[a.EpisodeID]; ok {
			text = fmt.Sprint(s)
		}
		of = append(of, fmt.Sprintf("%s %s %d in %s", a.Status, a.ProductID, int64(start), text))
	}
	return of
}

func (f feed) inEpisodes(step string, want ...string) {
	f.t.Helper()
	if got := episodesOf(f.Changed(nil)); !slices.Equal(got, want) {
		f.t.Fatalf("%s: given\n%q\nnot\n%q", step, got, want)
	}
}

// views brings so many views, all at one time.
func (f feed) views(n int, product string, seconds float64) {
	for range n {
		f.at("view", product, noon+event.Millis(seconds*1000), noon+1000)
	}
}

// Windows are 10 s long, every 5 s, and qualify with more than 2 views: each of two
// that hold them. All is received at once, so that no window closes.
func TestW9_EpisodesWorkedOutByHand(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	f.views(3, "p", 1)
	f.inEpisodes("two windows by one event: the lower one begins the episode", "firing p -5 in -5", "firing p 0 in -5")
	f.views(3, "p", 16)
	f.inEpisodes("a window's length apart", "firing p 10 in -5", "firing p 15 in -5")
	f.views(3, "p", 41)
	f.inEpisodes("more than a window's length apart", "firing p 35 in 35", "firing p 40 in 35")
	f.views(3, "q", 41)
	f.inEpisodes("another product", "firing q 35 in 35", "firing q 40 in 35")
	f.views(3, "p", 26)
	f.inEpisodes("each is nearer to another one", "firing p 20 in -5", "firing p 25 in -5")
	f.views(3, "p", 31)
	f.inEpisodes("two episodes that meet stay two; 30 s is as near to 25 s as to 35 s", "firing p 30 in -5")
	f.at("purchase", "p", noon+38_000, noon+1000)
	f.inEpisodes("they keep their episodes", "retracted p 30 in -5", "retracted p 35 in 35")
	p.Tick(event.Tick{After: p.lastValue, Quiet: 90_000}, p.offset)
	f.inEpisodes("and when they close",
		"confirmed p -5 in -5", "confirmed p 0 in -5", "confirmed p 10 in -5", "confirmed p 15 in -5", "confirmed p 20 in -5",
		"confirmed p 25 in -5", "retracted p 30 in -5", "retracted p 35 in 35", "confirmed q 35 in 35", "confirmed p 40 in 35", "confirmed q 40 in 35")
	if n := len(p.episodes.byRule); n != 1 || len(p.episodes.byRule[p.generations[0].rules[0].definition].products) != 0 {
		t.Errorf("episodes of %d rules are kept: %v", n, p.episodes.byRule)
	}
}

// The nearer neighbour is the later one: it began an episode of its own.
func TestW9_AWindowJoinsTheNearestWhichMayBeLater(t *testing.T) {
	f := feed{t, New(setOf(t, time.Minute, rules.Rule{Name: "r", When: "views > 2", Window: 15 * time.Second, Slide: 5 * time.Second}), 0, false)}
	f.views(3, "p", -16)
	f.inEpisodes("", "firing p -30 in -30", "firing p -25 in -30", "firing p -20 in -30")
	f.views(3, "p", 14)
	f.inEpisodes("0 s is 20 s after the last, and longer than a window", "firing p 0 in 0", "firing p 5 in 0", "firing p 10 in 0")
	f.views(2, "p", 1)
	f.inEpisodes("not yet")
	f.views(1, "p", 1)
	f.inEpisodes("-10 s is as near to -20 s as to 0 s, and -5 s joins it", "firing p -10 in -30", "firing p -5 in -30")
	f = feed{t, New(setOf(t, time.Minute, rules.Rule{Name: "r", When: "views > 2", Window: 5 * time.Second, Slide: 1 * time.Second}), 0, false)}
	f.views(3, "p", 0)
	f.Changed(nil)
	f.views(3, "p", 10)
	f.inEpisodes("6 s is more than a window after 0 s", "firing p 6 in 6", "firing p 7 in 6", "firing p 8 in 6", "firing p 9 in 6", "firing p 10 in 6")
	f.views(1, "p", 1)
	f.views(2, "p", 5)
	f.inEpisodes("by its first view 1 s is in windows up to 1 s alone, which is nearest to 0 s", "firing p 1 in -4")
	f.at("view", "p", noon+9_000, noon+1000)
	f.inEpisodes("4 s has 2 views, 5 s has them and the one at 9 s, and is next to 6 s", "firing p 5 in 6")
}

// Between them another set was in force, and the first one's windows have closed.
func TestW9_EpisodesGoOnWhereTheNextSetsRuleHasAnEqualDefinition(t *testing.T) {
	rule := rules.Rule{Name: "r", When: "views > 2", Window: 10 * time.Second, Slide: 5 * time.Second}
	other := rules.Rule{Name: "other", When: "views > 1", Window: 10 * time.Second, Slide: 5 * time.Second}
	first, last := setOf(t, 0, rule), setOf(t, 0, rule, other)
	p := New(first, 0, false)
	f := feed{t, p}
	for range 3 {
		f.event("view", "p", 4)
	}
	f.inEpisodes("", "firing p -5 in -5", "firing p 0 in -5")
	p.Rules(setOf(t, 0, other), p.offset)
	f.event("view", "p", 6)
	p.Tick(event.Tick{After: p.lastValue, Quiet: 4_000}, p.offset)
	f.inEpisodes("", "confirmed p -5 in -5", "confirmed p 0 in -5")
	if len(p.generations) != 1 {
		t.Fatalf("%d generations", len(p.generations))
	}
	p.Rules(last, p.offset)
	for range 3 {
		f.at("view", "p", noon+11_000, noon+8_000)
	}
	f.inEpisodes("5 s is the second set's, 10 s the last one's", "firing p 5 in 5", "firing p 10 in 5", "firing p 10 in -5")
}

// What is written above the acknowledged offset is of an instance that was killed,
// perhaps before it had written all of it: final alerts come first.
func TestW9_AlertsOfLaterVersionsAreNoNeighboursBeforeTheLogSaysThem(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	f.views(3, "p", 1)
	written := topic(p.Changed(nil))
	p.Acknowledge(p.offset)
	p.AlertsEnd(int64(len(written)))
	offset, metadata := p.Commit()
	f.views(3, "p", 41)
	f.views(3, "p", 26)
	written = append(written, p.Changed(nil)[2:]...)
	q, err := Resume(lookup(workedRule), offset, metadata)
	if err != nil {
		t.Fatal(err)
	}
	written.remembered(q)
	again := feed{t, q}
	again.views(3, "p", 1)
	again.views(3, "p", 41)
	again.views(3, "p", 26)
	again.inEpisodes("35 s has qualified before 25 s", "firing p 35 in 35", "firing p 40 in 35", "firing p 20 in 20", "firing p 25 in 20")
}

// Window 0 has closed without qualifying: three purchases came before the place from
// which the log is read again, and from there on it looks as if it did.
func TestW9_WindowsThatAreRebuiltInPartAreNoNeighbours(t *testing.T) {
	set := setOf(t, 2*time.Second, rules.Rule{Name: "r", When: "views > 2 && conversion_rate < 50", Window: 10 * time.Second, Slide: 5 * time.Second})
	p := New(set, 0, false)
	f := feed{t, p}
	several := func(f feed, n int, kind string, at, received event.Millis) {
		for range n {
			f.at(kind, "p", noon+at*1000, noon+received*1000)
		}
	}
	rest := func(f feed) {
		several(f, 2, "purchase", 12, 9)
		several(f, 3, "view", 7, 9)
		f.event("view", "q", 12)
		f.inEpisodes("nothing has qualified")
	}
	several(f, 3, "purchase", 1, 9)
	from := p.offset
	rest(f)
	p.Acknowledge(p.offset)
	offset, metadata := p.Commit()
	if offset != from {
		t.Fatalf("it is read again from offset %d, not %d", offset, from)
	}
	q, err := Resume(func(string) (*rules.Set, error) { return set, nil }, offset, metadata)
	if err != nil {
		t.Fatal(err)
	}
	again := feed{t, q}
	rest(again)
	for _, f := range []feed{f, again} {
		several(f, 2, "view", 8, 12)
		f.inEpisodes("it begins one", "firing p 5 in 5")
	}
}

// The commit says from where on the alerts are to be read: not from the topic's
// beginning, however long the log is.
func TestW9_AlertsAreReadFromWhereAnOpenWindowsNeighboursAre(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	var written topic
	from := func() int64 {
		_, metadata := p.Commit()
		q, err := Resume(lookup(workedRule), p.offset, metadata)
		if err != nil {
			t.Fatal(err)
		}
		return q.History().From()
	}
	for i := range 100 {
		f.event("view", "p", float64(i))
		written = append(written, p.Changed(nil)...)
		p.Acknowledge(p.offset)
		p.AlertsEnd(int64(len(written)))
		for n, a := range written {
			if event.MillisOf(a.WindowStart)+20_000 > p.watermark && from() > int64(n) {
				t.Fatalf("after %d s from %d on, and %v is at %d", i, from(), a, n)
			}
		}
	}
	if n := int64(len(written)); from() < n-12 {
		t.Errorf("from %d on of %d", from(), n)
	}
	p.Tick(event.Tick{After: p.lastValue, Quiet: 60_000}, p.offset)
	written = append(written, p.Changed(nil)...)
	p.AlertsEnd(int64(len(written)))
	if n := int64(len(written)); from() != n {
		t.Errorf("from %d on of %d, when no open window has a neighbour", from(), n)
	}
}

// What is said of alerts by their offsets in the topic that was deleted does not
// hide those of the new one.
func TestW9_AlertsAreReadFromTheBeginningOfATopicThatWasCreatedAgain(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	p.AlertsEnd(5000)
	f.views(3, "p", 1)
	p.Changed(nil)
	p.AlertsEnd(2)
	f.views(3, "p", 11)
	p.Changed(nil)
	if from := p.episodes.alertsFrom(); from != 2 {
		t.Errorf("from %d on", from)
	}
}

func TestW9_WhatABurstHasLeftIsGivenUp(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	for i := range 4 * keptPlaces {
		f.views(3, fmt.Sprint(i), 1)
	}
	p.Changed(nil)
	f.event("view", "p", 21)
	table := p.generations[0].rules[0].episodes
	if n := len(table.products); n != 4*keptPlaces || table.peak != n {
		t.Fatalf("%d products, at most %d", n, table.peak)
	}
	f.event("view", "p", 22)
	if len(table.products) != 0 || len(table.written) != 0 || table.peak != 0 {
		t.Errorf("%d products, %d windows, room for %d", len(table.products), len(table.written), table.peak)
	}
}

// The version that wrote their alerts knew no episodes.
func TestW9_OpenWindowsWhoseAlertsHaveNoEpisodeJoinOne(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	f.views(3, "p", 1)
	written := topic(p.Changed(nil))
	for i := range written {
		written[i].EpisodeID = ""
	}
	p.Acknowledge(p.offset)
	offset, metadata := p.Commit()
	q, err := Resume(lookup(workedRule), offset, metadata)
	if err != nil {
		t.Fatal(err)
	}
	written.remembered(q)
	again := feed{t, q}
	again.views(3, "p", 1)
	q.Tick(event.Tick{After: q.lastValue, Quiet: 60_000}, q.offset)
	again.inEpisodes("", "confirmed p -5 in -5", "confirmed p 0 in -5")
}

// No alert is left out, and none lacks an episode, where a window qualified and
// ceased between two looks.
func TestW4_W9_AWindowThatQualifiedBetweenTwoLooksHasAnAlert(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	f.views(3, "p", 1)
	f.at("purchase", "p", noon+1000, noon+1000)
	f.views(3, "p", 11)
	f.inEpisodes("", "retracted p -5 in -5", "retracted p 0 in -5", "firing p 5 in -5", "firing p 10 in -5")
	f.views(3, "p", 61)
	f.at("purchase", "p", noon+61_000, noon+1000)
	p.Tick(event.Tick{After: p.lastValue, Quiet: 90_000}, p.offset)
	alerts := p.Changed(nil)
	if got := episodesOf(alerts); !slices.Contains(got, "retracted p 55 in 55") || !slices.Contains(got, "retracted p 60 in 55") {
		t.Errorf("at the close: %q", got)
	}
}
