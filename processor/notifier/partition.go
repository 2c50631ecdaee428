package notifier

import (
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// episodeOf is the alert's episode. An alert that names none is its own.
func episodeOf(a *event.Alert) string {
	if a.EpisodeID != "" {
		return a.EpisodeID
	}
	return a.ID
}

// due is a notice that an alert gives rise to, if it has not been decided before.
type due struct {
	notice broker.Notice
	alert  event.Alert
}

// partition is which alerts of a partition of the alerts topic are firing. It is
// a function of the records from any commit on: what was firing at a commit
// comes after it.
type partition struct {
	start    int64                        // where it was read from when it became ours
	next     int64                        // offset of the record to be read next
	episodes map[string]map[string]firing // by episode and alert
	// final are the versions with which alerts ended, for a writer that was paused
	// may repeat an older version later.
	final map[string]ended
}

type firing struct {
	since  int64 // offset of the record from which on it is firing
	window time.Time
}

type ended struct {
	version int64
	window  time.Time
}

func newPartition(next int64) *partition {
	return &partition{start: next, next: next, episodes: make(map[string]map[string]firing), final: make(map[string]ended)}
}

// take takes the next alert, and returns the notice that it gives rise to: first
// as long as its episode fires, end when none of the episode's alerts does any
// more.
func (p *partition) take(a *event.Alert, offset int64) (due, bool) {
	p.next = offset + 1
	if last, ok := p.final[a.ID]; ok && a.Version < last.version {
		return due{}, false
	}
	episode := episodeOf(a)
	alerts := p.episodes[episode]
	if a.Status == event.Firing {
		delete(p.final, a.ID)
		if alerts == nil {
			alerts = make(map[string]firing)
			p.episodes[episode] = alerts
		}
		if _, ok := alerts[a.ID]; !ok {
			alerts[a.ID] = firing{offset, a.WindowEnd}
		}
		return due{broker.NoticeFirst, *a}, true
	}
	p.final[a.ID] = ended{a.Version, a.WindowEnd}
	if _, ok := alerts[a.ID]; !ok {
		return due{}, false
	}
	delete(alerts, a.ID)
	if len(alerts) > 0 {
		return due{}, false
	}
	delete(p.episodes, episode)
	return due{broker.NoticeEnd, *a}, true
}

// commit is the offset from which on every alert that is firing now is read again.
func (p *partition) commit() int64 {
	at := p.next
	for _, alerts := range p.episodes {
		for _, f := range alerts {
			at = min(at, f.since)
		}
	}
	return at
}

// forget gives up what is of windows that ended before a time: an alert that is
// still firing then was repeated after its end, and would hold back the commits.
func (p *partition) forget(before time.Time) {
	for id, e := range p.final {
		if e.window.Before(before) {
			delete(p.final, id)
		}
	}
	for episode, alerts := range p.episodes {
		for id, f := range alerts {
			if f.window.Before(before) {
				delete(alerts, id)
			}
		}
		if len(alerts) == 0 {
			delete(p.episodes, episode)
		}
	}
}
