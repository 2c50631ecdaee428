package backtest

import (
	"time"

	"clickstream/internal/event"
)

// episode is a product's windows under a rule of which each begins at most a
// window's length after the one before.
type episode struct {
	begun  *ruleTally // of the day on which its first window begins; nil: before the span
	last   time.Time  // start of its last window
	firing bool
}

// episode joins an alert's window to its product's last episode, or begins one,
// and says whether it did so in the span. People get a notice when an episode
// begins and one when it ends; both count on the day on which it begins.
func (t *tally) episode(rule int, a event.Alert, inSpan bool) (began bool) {
	at := product{rule, a.ProductID}
	e := t.episodes[at]
	if e == nil || a.WindowStart.Sub(e.last) > t.lengths[rule] {
		e = &episode{}
		t.episodes[at] = e
		if began = inSpan; began {
			e.begun = &t.day(a.WindowStart).rules[rule]
			e.begun.episodes++
			if t.notify[rule] {
				e.begun.notices += 2
			}
		}
	}
	e.last = a.WindowStart
	if a.Status == event.Firing && !e.firing && e.begun != nil && t.notify[rule] {
		e.firing = true
		e.begun.notices-- // its end is still to come
	}
	return began
}

// finish forgets the episodes: a product has one partition.
func (t *tally) finish() { clear(t.episodes) }
