package windows

import (
	"flag"
	"math/rand/v2"
	"testing"

	"clickstream/internal/event"
	"clickstream/processor/windows/windowstest"
)

var logs = flag.Int("logs", 4000, "how many random logs to compare with the model")

func eachRandomLog(t *testing.T, test func(*testing.T, *rand.Rand, windowstest.Model)) {
	t.Helper()
	for seed := range uint64(*logs) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := randomModel(rng)
		test(t, rng, m)
		if t.Failed() {
			t.Logf("seed %d", seed)
			return
		}
	}
}

func report(t *testing.T, m windowstest.Model) {
	t.Helper()
	if t.Failed() {
		t.Logf("%s", m.First().AppendJSON(nil))
		for _, r := range m.Log {
			t.Log(r)
		}
	}
}

// topic is the alerts topic.
type topic []event.Alert

// remembered tells a partition that was resumed what the topic says.
func (written topic) remembered(p *Partition) {
	h := p.History()
	for i := h.From(); i < int64(len(written)); i++ {
		h.Take(written[i], i)
	}
	p.Remember(h)
	p.AlertsEnd(int64(len(written)))
}

func sometimesMoved(rng *rand.Rand, p *Partition, c *windowstest.Emitted) {
	if rng.IntN(2) == 0 {
		c.Add(p.Moved(nil))
	}
}

func TestW1toW5_RandomLogsAsThePlainModelSays(t *testing.T) {
	eachRandomLog(t, func(t *testing.T, rng *rand.Rand, m windowstest.Model) { //nolint:thelper // it is the test
		defer report(t, m)
		m.Cut = rng.IntN(5) == 0
		c := windowstest.NewEmitted(t, m)
		p := New(m.First(), 0, m.Cut)
		for _, r := range m.Log {
			p.take(r)
			if rng.IntN(4) == 0 {
				c.Add(p.Changed(nil))
				sometimesMoved(rng, p, c)
			}
		}
		c.Add(p.Changed(nil))
		c.Finish()
		if last := m.Watermarks()[len(m.Log)]; p.watermark != last {
			t.Fatalf("the watermark is %s, not %s", p.watermark, last)
		}
		if want := countsOf(m); p.counts != want && !m.Cut {
			t.Fatalf("counted %+v, not %+v", p.counts, want)
		}
	})
}

// Each reader tells and commits at random places and is killed at a random
// one; the next continues from whatever commit was the last.
func TestW6_ReplayedFromAnyCommitTheAlertsAreTheSame(t *testing.T) {
	eachRandomLog(t, func(t *testing.T, rng *rand.Rand, m windowstest.Model) { //nolint:thelper // it is the test
		defer report(t, m)
		m.Cut = rng.IntN(5) == 0
		c := windowstest.NewEmitted(t, m)
		var few int
		if rng.IntN(4) == 0 {
			few, c.Exact = 1+rng.IntN(4), false
		}
		var written topic
		p := New(m.First(), 0, m.Cut)
		offset, metadata, committed := int64(0), "", false
		for life := rng.IntN(6); life >= 0; life-- {
			if committed {
				var err error
				if p, err = Resume(m.Lookup, offset, metadata); err != nil {
					t.Fatal(err)
				}
				written.remembered(p)
			} else {
				p = New(m.First(), 0, m.Cut)
			}
			if few > 0 {
				p.maxIDs = few
			}
			before := p.acknowledged
			killed := rng.IntN(len(m.Log) + 1)
			for i, r := range m.Log {
				if r.Offset < p.offset {
					continue
				}
				if i == killed && life > 0 {
					break
				}
				p.take(r)
				if rng.IntN(3) > 0 {
					continue
				}
				alerts := p.Changed(nil)
				for _, a := range alerts {
					if a.Version <= before {
						t.Fatalf("%v emitted again at version %d, though everything up to %d was acknowledged", a, a.Version, before)
					}
				}
				if rng.IntN(2) == 0 {
					alerts = p.Moved(alerts)
				}
				c.Add(alerts)
				written = append(written, alerts...)
				if p.rebuilding || rng.IntN(4) == 0 {
					continue
				}
				p.Acknowledge(p.offset)
				p.AlertsEnd(int64(len(written)))
				if rng.IntN(2) == 0 {
					offset, metadata = p.Commit()
					committed = true
				}
			}
		}
		c.Add(p.Changed(nil))
		if c.Exact {
			c.Finish()
			return
		}
		// Where ids were forgotten, an uninterrupted reading is what is right.
		whole := New(m.First(), 0, m.Cut)
		whole.maxIDs = few
		for _, r := range m.Log {
			whole.take(r)
			c.Add(whole.Changed(nil))
		}
	})
}

// From every single place where a commit can be made.
func TestW6_EveryCommitOfALogLeadsToTheSameEnd(t *testing.T) {
	for seed := range uint64(*logs / 40) {
		rng := rand.New(rand.NewPCG(seed, 11))
		m := randomModel(rng)
		for cut := range m.Log {
			c := windowstest.NewEmitted(t, m)
			p := New(m.First(), 0, false)
			for _, r := range m.Log[:cut] {
				p.take(r)
			}
			written := topic(p.Changed(nil))
			c.Add(written)
			p.acknowledged = p.offset
			offset, metadata := p.Commit()
			q, err := Resume(m.Lookup, offset, metadata)
			if err != nil {
				t.Fatal(err)
			}
			written.remembered(q)
			for _, r := range m.Log {
				if r.Offset >= offset {
					q.take(r)
				}
			}
			c.Add(q.Changed(nil))
			c.Finish()
			if t.Failed() {
				report(t, m)
				t.Fatalf("seed %d, committed after %d records: %s", seed, cut, metadata)
			}
		}
	}
}
