package windows

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func setOf(t testing.TB, lateness time.Duration, of ...rules.Rule) *rules.Set {
	t.Helper()
	set, err := rules.New(lateness, of)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// feed passes events to a partition and compares what it gives with what is
// worked out by hand.
type feed struct {
	t *testing.T
	*Partition
}

func (f feed) event(kind, product string, seconds float64) {
	f.t.Helper()
	at := noon + event.Millis(seconds*1000)
	f.at(kind, product, at, at)
}

func (f feed) at(kind, product string, at, received event.Millis) {
	f.Event(&event.Event{ID: fmt.Sprint(f.offset), Type: kind, Timestamp: at, UserID: "u", ProductID: product}, received, f.offset)
}

// gives names the rule of each alert too.
func (f feed) gives(step string, want ...string) {
	f.t.Helper()
	var got []string
	for _, a := range f.Changed(nil) {
		rule, _, _ := strings.Cut(a.Rule, "(")
		got = append(got, rule+" "+short(a))
	}
	if !slices.Equal(got, want) {
		f.t.Fatalf("%s: given\n%q\nnot\n%q", step, got, want)
	}
}

// Windows are as in the stream worked out by hand: 10 s long, every 5 s. The
// second set wants more than 3 views, and more than 1 cart in 5 s.
func TestW8_AChangeOfRulesWorkedOutByHand(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	for _, at := range []float64{1, 2, 3} {
		f.event("view", "p", at)
	}
	f.gives("3 views", "flash_sale firing p -5 3/0 v3", "flash_sale firing p 0 3/0 v3")
	second := setOf(t, 2*time.Second,
		rules.Rule{Name: "busy", When: "views > 3", Window: 10 * time.Second, Slide: 5 * time.Second},
		rules.Rule{Name: "filled", When: "carts > 1", Window: 5 * time.Second, Slide: 5 * time.Second})
	p.Rules(second, p.offset)
	f.gives("the newest event is at 3 s: windows from 5 s on are the second set's")
	f.event("add_to_cart", "p", 4)
	f.event("add_to_cart", "p", 4.5)
	f.gives("the first set, whose window 0 is, counts no carts")
	for _, at := range []float64{6, 7, 8} {
		f.event("view", "p", at)
	}
	f.gives("3 views in window 5 are enough for the first set alone; its window -5 closes at 7 s", "flash_sale confirmed p -5 3/0 v8")
	f.event("view", "p", 9)
	f.gives("the 4th", "busy firing p 5 4/0 v10")
	f.event("purchase", "p", 9)
	f.gives("window 0 is the first set's, and takes no purchase; the second has no bound", "flash_sale retracted p 0 7/1 v11")
	f.event("add_to_cart", "p", 10)
	f.event("add_to_cart", "p", 11)
	f.gives("2 carts in window 10", "filled firing p 10 0/0 v13")
	if len(p.generations) != 2 {
		t.Fatalf("%d generations", len(p.generations))
	}
	f.event("view", "q", 12)
	f.gives("window 0 closes at 10 s, and with it the first set", "flash_sale retracted p 0 7/1 v14")
	if len(p.generations) != 1 || p.InForce() != second {
		t.Fatalf("%d generations", len(p.generations))
	}
	p.Tick(event.Tick{After: p.lastValue, Quiet: 60_000}, p.offset)
	f.gives("all close", "busy confirmed p 5 4/1 v15", "filled confirmed p 10 0/0 v15")
	if want := (Counts{Events: 13, Ticks: 1, Rules: 1}); p.counts != want {
		t.Errorf("counted %+v, not %+v", p.counts, want)
	}
}

func TestW8_ASetThatJudgesNoWindowIsAsIfItHadNotBeen(t *testing.T) {
	loose := flashSale(event.Rule{ViewsOver: 0, PurchasesUnder: 9, Window: 10 * time.Second, Slide: 5 * time.Second})
	strict := flashSale(event.Rule{ViewsOver: 1, PurchasesUnder: 9, Window: 10 * time.Second, Slide: 5 * time.Second})
	p := New(loose, 0, false)
	f := feed{t, p}
	for range 3 * maxGenerations {
		p.Rules(strict, p.offset)
		p.Rules(loose, p.offset)
	}
	p.Rules(strict, p.offset)
	f.event("view", "p", 1)
	f.gives("before the first event the last set judges every window")
	for range 3 * maxGenerations {
		p.Rules(loose, p.offset)
		p.Rules(strict, p.offset)
	}
	p.Rules(loose, p.offset)
	f.event("view", "p", 6)
	if n := int64(12*maxGenerations + 2); p.counts.Rules != n || p.counts.InvalidRules != 0 {
		t.Fatalf("%+v, not %d", p.counts, n)
	}
	version := p.offset
	f.gives("the event at 1 s bounds what the last judges", fmt.Sprintf("flash_sale firing p 0 2/0 v%d", version), fmt.Sprintf("flash_sale firing p 5 1/0 v%d", version))
	if p.Rules(loose, p.offset); len(p.generations) != 2 {
		t.Errorf("%d generations: the set in force began again", len(p.generations))
	}
	p.Tick(event.Tick{After: p.lastValue, Quiet: 60_000}, p.offset)
	p.Rules(strict, p.offset)
	if p.Rules(loose, p.offset); len(p.generations) != 1 || len(p.ended) > 2 {
		t.Errorf("%d generations, %d ended, when all windows have closed", len(p.generations), len(p.ended))
	}
}

// A late event may be newer than all that counted: a tick had closed its windows.
// A longer window of the next set that holds it is not that set's.
func TestW8_NoEventBeforeAChangeLiesInAWindowOfTheNewSet(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	f := feed{t, p}
	f.event("view", "p", 1)
	p.Tick(event.Tick{After: 0, Quiet: 3_600_000}, p.offset)
	f.event("view", "p", 31)
	if p.counts.Late != 1 {
		t.Fatalf("%+v", p.counts)
	}
	p.Rules(setOf(t, 0, rules.Rule{Name: "long", When: "views > 0", Window: 2 * time.Hour, Slide: 10 * time.Second}), p.offset)
	f.at("view", "p", noon+32_000, noon+3_600_000)
	f.gives("windows from 10 to 30 s hold the late event")
	f.at("view", "p", noon+41_000, noon+3_600_000)
	f.gives("the first that may count", "long firing p 40 1/0 v6")
}

// The lateness in force is that of the set, from its record on.
func TestW8_TheLatenessIsThatOfTheSetInForce(t *testing.T) {
	rule := workedRule
	p := New(flashSale(rule), 0, false)
	f := feed{t, p}
	f.event("view", "p", 10)
	rule.Lateness = 5 * time.Second
	p.Rules(flashSale(rule), p.offset)
	for _, c := range []struct{ at, watermark float64 }{{11, 8}, {14, 9}} {
		if f.event("view", "p", c.at); p.watermark != noon+event.Millis(c.watermark*1000) {
			t.Errorf("after the event at %v s the watermark is %d ms after noon", c.at, p.watermark-noon)
		}
	}
}

// A commit names the sets with open windows. There are not more than it has room
// for, and every reading refuses the same.
func TestW8_W6_SetsWithOpenWindowsAreFewEnoughForACommit(t *testing.T) {
	var sets []*rules.Set
	for i := range maxGenerations + 3 {
		sets = append(sets, setOf(t, 0, rules.Rule{Name: "r", When: fmt.Sprintf("views > %d", i), Window: time.Hour, Slide: time.Minute}))
	}
	find := func(hash string) (*rules.Set, error) {
		return sets[slices.IndexFunc(sets, func(s *rules.Set) bool { return s.Hash() == hash })], nil
	}
	p := New(sets[0], 0, false)
	f := feed{t, p}
	f.event("view", "p", 0)
	for i, set := range sets[1:] {
		p.Rules(set, p.offset)
		f.event("view", "p", float64(61*(i+1)))
		p.Changed(nil)
		p.Acknowledge(p.offset)
		offset, metadata := p.Commit()
		q, err := Resume(find, offset, metadata)
		if err != nil || offset != 0 || len(metadata) >= 1024 {
			t.Fatalf("%d bytes at %d: %v", len(metadata), offset, err)
		}
		if q.InForce() != sets[0] {
			t.Fatalf("from the first event on %s is in force", q.InForce().Hash())
		}
	}
	if p.InForce() != sets[maxGenerations-1] || p.counts.InvalidRules != 3 || p.counts.Rules != maxGenerations-1 {
		t.Fatalf("%+v", p.counts)
	}
	// The place before an event that closes the windows of all sets but the last.
	last := p.offset
	f.event("view", "p", 4*3600)
	if from, metadata := p.Commit(); from != last || len(p.generations) != 1 || strings.Count(metadata, "@") != maxGenerations {
		t.Fatalf("%d generations; at %d %q", len(p.generations), from, metadata)
	}
	p.Tick(event.Tick{After: p.lastValue, Quiet: 3_600_000}, p.offset)
	from, metadata := p.Commit()
	if from != p.offset || len(p.generations) != 1 || len(metadata) > 300 {
		t.Fatalf("%d generations; at %d %q", len(p.generations), from, metadata)
	}
	p.Rules(sets[maxGenerations], p.offset)
	if p.InForce() != sets[maxGenerations] {
		t.Error("a set is refused though one alone has open windows")
	}
}

// With maxGenerations sets in use the metadata is as long as it can be.
func TestW6_TheLongestMetadataIsUnderAKibibyte(t *testing.T) {
	p := New(setOf(t, 0, rules.Rule{Name: "r", When: "views > 0", Window: time.Hour, Slide: time.Minute}), 0, false)
	f := feed{t, p}
	f.offset = 1 << 60
	f.event("purchase", "p", 0)
	for i := range maxGenerations - 1 {
		p.Rules(setOf(t, 0, rules.Rule{Name: "r", When: fmt.Sprintf("views > %d", i+1), Window: time.Hour, Slide: time.Minute}), p.offset)
		f.event("view", "p", float64(61*(i+1)))
	}
	var longest string
	for k := range p.generations { // the pane before the last holds the last event before the last set
		p.generations[k].panes = newPanes(1)
	}
	if _, longest = p.Commit(); len(longest) > 700 || strings.Count(longest, "@") != maxGenerations {
		t.Errorf("%d bytes: %q", len(longest), longest)
	}
}

// From every place of random logs whose rules change often: refused records, sets
// that judge nothing, and places between two changes.
func TestW8_W6_EveryCommitNamesTheSetsThatItNeeds(t *testing.T) {
	invalid, several := int64(0), 0
	for seed := range uint64(*logs / 100) {
		rng := rand.New(rand.NewPCG(seed, 17))
		m := randomModel(rng)
		var sets []*rules.Set
		for range 4 {
			sets = append(sets, randomSet(rng, 30*time.Second))
		}
		find := func(hash string) (*rules.Set, error) {
			return append(sets, m.First())[slices.IndexFunc(append(sets, m.First()), func(s *rules.Set) bool { return s.Hash() == hash })], nil
		}
		take := func(p *Partition, i int) {
			if r := m.Log[i]; i%3 == 0 && r.Offset%2 == 0 {
				p.Rules(sets[int(r.Offset/2)%len(sets)], r.Offset)
			} else if r.Set == nil {
				p.take(r)
			}
		}
		for cut := range m.Log {
			p := New(m.First(), 0, false)
			for i := range m.Log[:cut] {
				take(p, i)
			}
			written := topic(p.Changed(nil))
			p.Acknowledge(p.offset)
			offset, metadata := p.Commit()
			q, err := Resume(find, offset, metadata)
			if err != nil {
				t.Fatal(err)
			}
			written.remembered(q)
			several = max(several, len(q.generations))
			var want, got []event.Alert
			for i, r := range m.Log {
				if r.Offset >= p.offset {
					take(p, i)
					want = p.Changed(want)
				}
				if r.Offset >= q.offset {
					take(q, i)
					got = q.Changed(got)
				}
			}
			byID := func(a, b event.Alert) int {
				return strings.Compare(fmt.Sprint(a.Version, a.ID), fmt.Sprint(b.Version, b.ID))
			}
			slices.SortFunc(want, byID)
			slices.SortFunc(got, byID)
			if !slices.Equal(got, want) || p.watermark != q.watermark || p.newest != q.newest || p.InForce() != q.InForce() {
				t.Fatalf("seed %d, committed after %d records: %s\nemitted\n%v\nnot\n%v", seed, cut, metadata, got, want)
			}
			invalid += p.counts.InvalidRules
		}
	}
	if several < 3 || invalid == 0 {
		t.Errorf("at most %d sets at once, %d refused", several, invalid)
	}
}
