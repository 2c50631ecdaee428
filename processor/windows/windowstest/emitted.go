package windowstest

import (
	"maps"
	"slices"
	"testing"

	"clickstream/internal/event"
)

// Emitted collects all alerts that a test's readers have emitted, and fails the
// test when one version of an alert has two contents.
type Emitted struct {
	t testing.TB
	m Model
	// Exact: the model knows the contents.
	Exact   bool
	marks   []event.Millis
	changes []change
	final   map[string]alert
	byID    map[string]event.Alert
	byMark  map[string]map[int64]event.Alert
}

// NewEmitted is for what is emitted of the model's log.
func NewEmitted(t testing.TB, m Model) *Emitted {
	t.Helper()
	marks, changes := m.Watermarks(), m.changes()
	return &Emitted{
		t: t, m: m, Exact: true, marks: marks, changes: changes, final: m.final(changes, marks),
		byID: map[string]event.Alert{}, byMark: map[string]map[int64]event.Alert{},
	}
}

// Add takes alerts in the order in which they were emitted.
func (c *Emitted) Add(alerts []event.Alert) {
	c.t.Helper()
	for _, a := range alerts {
		if c.byMark[a.ID] == nil {
			c.byMark[a.ID] = map[int64]event.Alert{}
		}
		if old, ok := c.byMark[a.ID][a.Version]; ok && old != a {
			c.t.Fatalf("one version, two contents:\n%v\n%v\nversion %d", old, a, a.Version)
		}
		c.byMark[a.ID][a.Version] = a
		if a.Version >= c.byID[a.ID].Version {
			c.byID[a.ID] = a
		}
		if !c.Exact {
			continue
		}
		w, ok := windowOf(c.changes, a)
		if !ok {
			c.t.Fatalf("emitted %v: the log says that another rule judges the window than %s", a, a.Rule)
		}
		v := c.m.judge(c.marks, w, a.Version)
		if v.status() != a.Status || v.views() != a.Views || v.purchases() != a.Purchases || !a.Exact || v.closed && v.version != a.Version {
			c.t.Fatalf("emitted %v at version %d; the log says %s, %d views, %d purchases, closed %v at %d",
				a, a.Version, v.status(), v.views(), v.purchases(), v.closed, v.version)
		}
		if episode := c.final[a.ID].episode; a.EpisodeID != episode {
			c.t.Fatalf("emitted %v at version %d in the episode %q; the log says %q, its own is %q", a, a.Version, a.EpisodeID, episode, a.ID)
		}
	}
}

// Finish compares the latest version of each alert with the model.
func (c *Emitted) Finish() {
	c.t.Helper()
	for id, v := range c.final {
		a, ok := c.byID[id]
		if !ok {
			c.t.Fatalf("nothing was emitted of an alert that is %s with %d views and %d purchases", v.status(), v.views(), v.purchases())
		}
		if a.Status != v.status() || v.closed && (a.Views != v.views() || a.Purchases != v.purchases() || a.Version != v.version) {
			c.t.Fatalf("%v is the latest, version %d; the log says %s, %d views, %d purchases, version %d",
				a, a.Version, v.status(), v.views(), v.purchases(), v.version)
		}
	}
	for id, a := range c.byID {
		if _, ok := c.final[id]; !ok {
			c.t.Fatalf("%v should not be", a)
		}
	}
}

// Latest are the latest versions of all alerts.
func (c *Emitted) Latest() []event.Alert { return slices.Collect(maps.Values(c.byID)) }
