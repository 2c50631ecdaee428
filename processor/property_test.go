package processor

import (
	"flag"
	"math/rand/v2"
	"testing"

	"clickstream/internal/event"
)

var logs = flag.Int("logs", 4000, "how many random logs to compare with the model")

// told collects everything that a test's readers have told, and fails the test
// when one version of an alert has two contents.
type told struct {
	t      *testing.T
	m      model
	exact  bool // the model knows the contents
	marks  []event.Millis
	byID   map[string]event.Alert
	byMark map[string]map[int64]event.Alert
}

func newTold(t *testing.T, m model) *told {
	return &told{t: t, m: m, exact: true, marks: m.watermarks(), byID: map[string]event.Alert{}, byMark: map[string]map[int64]event.Alert{}}
}

func (c *told) add(alerts []event.Alert) {
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
		if !c.exact {
			continue
		}
		v := c.m.judge(c.marks, a.ProductID, event.MillisOf(a.WindowStart), a.Version)
		if v.status() != a.Status || v.views != a.Views || v.purchases != a.Purchases || !a.Exact || v.closed && v.version != a.Version {
			c.t.Fatalf("told %v at version %d; the log says %s, %d views, %d purchases, closed %v at %d",
				a, a.Version, v.status(), v.views, v.purchases, v.closed, v.version)
		}
	}
}

// finish compares what stands in the end with the model.
func (c *told) finish() {
	c.t.Helper()
	want := c.m.final(c.marks)
	for id, v := range want {
		a, ok := c.byID[id]
		if !ok {
			if v.status() == event.Retracted && !v.closed {
				continue // both changes lay between two looks of different readers
			}
			c.t.Fatalf("nothing was told of an alert that is %s with %d views and %d purchases", v.status(), v.views, v.purchases)
		}
		if a.Status != v.status() || v.closed && (a.Views != v.views || a.Purchases != v.purchases || a.Version != v.version) {
			c.t.Fatalf("%v stands in the end, version %d; the log says %s, %d views, %d purchases, version %d",
				a, a.Version, v.status(), v.views, v.purchases, v.version)
		}
	}
	for id, a := range c.byID {
		if _, ok := want[id]; !ok {
			c.t.Fatalf("%v should not be", a)
		}
	}
}

func eachRandomLog(t *testing.T, test func(*testing.T, *rand.Rand, model)) {
	for seed := range uint64(*logs) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := randomModel(rng)
		test(t, rng, m)
		if t.Failed() {
			t.Logf("seed %d, rule %s", seed, m.rule)
			return
		}
	}
}

func report(t *testing.T, m model) {
	if t.Failed() {
		t.Log(m.rule)
		for _, r := range m.log {
			t.Log(r)
		}
	}
}

func TestW1toW5_RandomLogsAsThePlainModelSays(t *testing.T) {
	eachRandomLog(t, func(t *testing.T, rng *rand.Rand, m model) {
		defer report(t, m)
		m.cut = rng.IntN(5) == 0
		c := newTold(t, m)
		p := newPartition(m.rule, 0, m.cut)
		for _, r := range m.log {
			p.take(r)
			if rng.IntN(4) == 0 {
				c.add(p.changed(nil))
			}
		}
		c.add(p.changed(nil))
		c.finish()
		if last := c.marks[len(m.log)]; p.watermark != last {
			t.Fatalf("the watermark is %s, not %s", p.watermark, last)
		}
		if want := m.counts(c.marks); p.counts != want && !m.cut {
			t.Fatalf("counted %+v, not %+v", p.counts, want)
		}
	})
}

// Each reader tells and commits at random places and is killed at a random
// one; the next goes on from whatever commit was the last.
func TestW6_ReplayedFromAnyCommitTheAlertsAreTheSame(t *testing.T) {
	eachRandomLog(t, func(t *testing.T, rng *rand.Rand, m model) {
		defer report(t, m)
		m.cut = rng.IntN(5) == 0
		c := newTold(t, m)
		var few int
		if rng.IntN(4) == 0 {
			few, c.exact = 1+rng.IntN(4), false
		}
		p := newPartition(m.rule, 0, m.cut)
		offset, metadata, committed := int64(0), "", false
		for life := rng.IntN(6); life >= 0; life-- {
			if committed {
				var err error
				if p, err = resume(m.rule, offset, metadata); err != nil {
					t.Fatal(err)
				}
			} else {
				p = newPartition(m.rule, 0, m.cut)
			}
			if few > 0 {
				p.maxIDs = few
			}
			oldTold := p.told
			killed := rng.IntN(len(m.log) + 1)
			for i, r := range m.log {
				if r.offset < p.offset {
					continue
				}
				if i == killed && life > 0 {
					break
				}
				p.take(r)
				if rng.IntN(3) == 0 {
					alerts := p.changed(nil)
					for _, a := range alerts {
						if a.Version <= oldTold {
							t.Fatalf("%v told again at version %d, though everything up to %d was acknowledged", a, a.Version, oldTold)
						}
					}
					c.add(alerts)
					if !p.rebuilding {
						p.told = p.offset
						if rng.IntN(2) == 0 {
							offset, metadata = p.commit()
							committed = true
						}
					}
				}
			}
		}
		c.add(p.changed(nil))
		if c.exact {
			c.finish()
			return
		}
		// Where ids were forgotten, an uninterrupted reading tells what is right.
		whole := newPartition(m.rule, 0, m.cut)
		whole.maxIDs = few
		for _, r := range m.log {
			whole.take(r)
			c.add(whole.changed(nil))
		}
	})
}

// From every single place where a commit can be made.
func TestW6_EveryCommitOfALogLeadsToTheSameEnd(t *testing.T) {
	for seed := range uint64(*logs / 40) {
		rng := rand.New(rand.NewPCG(seed, 11))
		m := randomModel(rng)
		for cut := range m.log {
			c := newTold(t, m)
			p := newPartition(m.rule, 0, false)
			for _, r := range m.log[:cut] {
				p.take(r)
			}
			c.add(p.changed(nil))
			p.told = p.offset
			offset, metadata := p.commit()
			q, err := resume(m.rule, offset, metadata)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range m.log {
				if r.offset >= offset {
					q.take(r)
				}
			}
			c.add(q.changed(nil))
			c.finish()
			if t.Failed() {
				report(t, m)
				t.Fatalf("seed %d, committed after %d records: %s", seed, cut, metadata)
			}
		}
	}
}
