package processor

import (
	"maps"
	"slices"

	"clickstream/internal/event"
)

// unfinished are alerts of a partition that an earlier reading has left firing,
// where this one does not continue it: the log was cut, or the windows were judged
// by another rule. No window of this reading finishes them, so it does so itself.
//
// A commit made before they are finished would let the next reading continue this
// one and forget them. So there is none until then.
type unfinished struct {
	read   bool                   // the alerts topic was read
	after  int64                  // where the log ended at the beginning
	firing map[string]event.Alert // the latest, by id
	given  map[string]bool        // ids of which this reading has emitted an alert before that
	done   bool                   // all that can be finished at once is in an emission
	doneAt int64                  // the offset up to which that one is counted
}

// holdsCommit says whether a partition may not be committed yet.
func (u *unfinished) holdsCommit(acknowledged int64) bool {
	return u != nil && (!u.done || acknowledged < u.doneAt)
}

// finish appends the final alerts of those that no window of this reading will
// finish, once it has read all that the one before may have read. alerts are what
// the windows give now.
func (a *assigned) finish(alerts []event.Alert) []event.Alert {
	u := a.unfinished
	if u == nil || a.Rebuilding() {
		return alerts
	}
	for _, given := range alerts {
		delete(u.firing, given.ID)
		if !u.read {
			u.given[given.ID] = true
		}
	}
	switch {
	case !u.read || a.Offset() < u.after:
		return alerts
	case !u.done:
		u.done, u.doneAt = true, a.Offset()
	case len(u.firing) == 0 && !u.holdsCommit(a.Acknowledged()):
		a.unfinished = nil
	}
	for _, id := range slices.Sorted(maps.Keys(u.firing)) {
		if last := u.firing[id]; !a.judges(last) {
			delete(u.firing, id)
			alerts = append(alerts, abandoned(last))
		}
	}
	return alerts
}

// abandoned is the final alert of a window whose events or rule are gone. It
// depends on the last alert alone, so whoever writes it writes the same.
func abandoned(last event.Alert) event.Alert {
	last.Status, last.Exact = event.Retracted, false
	last.Version++
	return last
}

// judges says whether the alert's window is open and will be judged.
func (a *assigned) judges(alert event.Alert) bool {
	start := event.MillisOf(alert.WindowStart)
	for _, t := range a.Taking(start) {
		if t.Rule == alert.Rule && start+t.Window == event.MillisOf(alert.WindowEnd) && slices.Contains(t.Starts, start) {
			return true
		}
	}
	return false
}

// versions are those of the newest final alerts, of bounded number.
type versions struct{ newer, older map[string]int64 }

const maxVersions = 50_000

func (v *versions) set(id string, version int64) {
	if v.newer == nil || len(v.newer) == maxVersions {
		v.newer, v.older = make(map[string]int64), v.newer
	}
	v.newer[id] = max(version, v.of(id))
}

func (v *versions) of(id string) int64 { return max(v.newer[id], v.older[id]) }
