package backtest

import "clickstream/internal/event"

// episode is one of which an alert has come (W9).
type episode struct {
	begun  *ruleTally // of the day on which its first window begins; nil: before the span
	firing bool
}

// episode takes an alert's episode and says whether it is a new one that begins in
// the span. People get a notice when an episode begins and one when it ends; both
// count on the day on which its first window begins.
func (t *tally) episode(rule int, a event.Alert, inSpan bool) (began bool) {
	e := t.episodes[a.EpisodeID]
	if e == nil {
		e = new(episode)
		t.episodes[a.EpisodeID] = e
		if began = inSpan; began {
			e.begun = &t.day(a.WindowStart).rules[rule]
			e.begun.episodes++
			if t.notify[rule] {
				e.begun.notices += 2
			}
		}
	}
	if a.Status == event.Firing && !e.firing && e.begun != nil && t.notify[rule] {
		e.firing = true
		e.begun.notices-- // its end is still to come
	}
	return began
}

// finish forgets the episodes: each has one partition.
func (t *tally) finish() { clear(t.episodes) }
