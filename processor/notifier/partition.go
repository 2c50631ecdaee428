package notifier

import (
	"strconv"
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

// partition is which alerts of a partition of the alerts topic are firing. A
// commit is an offset from which on it can be read again: what was firing when
// the commit was made comes after it, and is right from the offset in the
// commit's metadata on. Before that all has been decided, and what ended
// between the two may have begun before both.
type partition struct {
	decided  int64                        // what is due at records before it is on the ledger
	next     int64                        // offset of the record to be read next
	episodes map[string]map[string]firing // by episode and alert
	// latest are the alerts' versions that count: an older one may be repeated.
	latest map[string]version
	// newest are the highest versions of the episodes' alerts.
	newest map[string]version
}

type firing struct {
	since  int64     // offset of the record from which on it is firing
	window time.Time // its end
	// late says that the episode had gone on to a newer version before this one was
	// written, as by an instance that was paused. The alert is most likely over, by
	// a record before the commit that was read on from: it holds up no end.
	late bool
}

type version struct {
	number int64
	window time.Time // its end
}

func newPartition(next, decided int64) *partition {
	return &partition{decided: decided, next: next, episodes: make(map[string]map[string]firing), latest: make(map[string]version), newest: make(map[string]version)}
}

// take takes the next alert, and returns the notice that it gives rise to: first
// as long as its episode fires, end when none of the episode's alerts does any
// more.
func (p *partition) take(a *event.Alert, offset int64) (due, bool) {
	d, is := p.count(a, offset)
	return d, is && offset >= p.decided
}

func (p *partition) count(a *event.Alert, offset int64) (due, bool) {
	p.next = offset + 1
	if last, ok := p.latest[a.ID]; ok && a.Version < last.number {
		return due{}, false
	}
	p.latest[a.ID] = version{a.Version, a.WindowEnd}
	episode := episodeOf(a)
	late := a.Version < p.newest[episode].number
	if !late {
		p.newest[episode] = version{a.Version, a.WindowEnd}
	}
	alerts := p.episodes[episode]
	if a.Status == event.Firing {
		if alerts == nil {
			alerts = make(map[string]firing)
			p.episodes[episode] = alerts
		}
		if f, ok := alerts[a.ID]; !ok || f.late && !late {
			alerts[a.ID] = firing{offset, a.WindowEnd, late}
		}
		return due{broker.NoticeFirst, *a}, true
	}
	if _, ok := alerts[a.ID]; !ok {
		return due{}, false
	}
	delete(alerts, a.ID)
	for _, f := range alerts {
		if !f.late {
			return due{}, false
		}
	}
	delete(p.episodes, episode)
	return due{broker.NoticeEnd, *a}, true
}

// commit is made when all that was due is on the ledger. Its offset is that from
// which on every alert that is firing now is read again.
func (p *partition) commit() broker.Commit {
	at := p.next
	for _, alerts := range p.episodes {
		for _, f := range alerts {
			if !f.late {
				at = min(at, f.since)
			}
		}
	}
	return broker.Commit{Offset: at, Metadata: strconv.FormatInt(max(p.next, p.decided), 10)}
}

// decidedBefore reads what commit has written into the metadata.
func decidedBefore(c broker.Commit) int64 {
	decided, err := strconv.ParseInt(c.Metadata, 10, 64)
	if err != nil {
		return c.Offset // somebody has set the offset by hand
	}
	return max(decided, c.Offset)
}

// forget gives up what is of windows that ended before a time: an alert that is
// still firing then was repeated after its end, and would hold back the commits.
func (p *partition) forget(before time.Time) {
	for _, versions := range [...]map[string]version{p.latest, p.newest} {
		for id, v := range versions {
			if v.window.Before(before) {
				delete(versions, id)
			}
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
