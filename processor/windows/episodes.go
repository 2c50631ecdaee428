package windows

import (
	"cmp"
	"maps"
	"slices"

	"clickstream/internal/event"
)

// episodes are what a partition remembers of windows that have qualified, to find
// the episodes of others (W9): by rule, which is the same one in any set that has
// its definition.
//
// A window joins when it qualifies for the first time, those that one event lets
// qualify in the order of their starts, and it keeps its episode. What is
// remembered is what a window that is still open can join: windows, closed ones
// included, that start less than two windows' lengths before the watermark.
type episodes struct {
	byRule map[string]*ruleEpisodes
	// alertsEnd is an offset in the alerts topic: no alert that is yet to be
	// written gets a lower one.
	alertsEnd int64
}

// ruleEpisodes are those of one rule.
type ruleEpisodes struct {
	of         *episodes
	definition string
	window     event.Millis // how long a window is
	products   map[string][]run
	peak       int // how many products there were at most since the map was made
	// written has, by window, an offset in the alerts topic before which there is no
	// alert of it, and from is the lowest of these.
	written map[event.Millis]int64
	from    int64
}

// run are windows of one product that follow each other, all of one episode. The
// runs of a product are in the order of their starts.
type run struct {
	first, last event.Millis // starts
	episode     string
}

// of are the episodes of a rule, which is added if there are none.
func (e *episodes) of(definition string, window event.Millis) *ruleEpisodes {
	t := e.byRule[definition]
	if t == nil {
		t = &ruleEpisodes{
			of: e, definition: definition, window: window, from: highest,
			products: make(map[string][]run), written: make(map[event.Millis]int64),
		}
		if e.byRule == nil {
			e.byRule = make(map[string]*ruleEpisodes)
		}
		e.byRule[definition] = t
	}
	return t
}

// alertsFrom is an offset in the alerts topic from which on it holds the alerts of
// all windows that are remembered.
func (e *episodes) alertsFrom() int64 {
	from := e.alertsEnd
	for _, t := range e.byRule {
		from = min(from, t.from)
	}
	return from
}

// drop forgets the windows that no open window can join, and rules of which
// nothing is left and that no generation has.
func (e *episodes) drop(watermark event.Millis, generations []*generation) {
	for definition, t := range e.byRule {
		t.drop(watermark)
		used := slices.ContainsFunc(generations, func(g *generation) bool {
			return slices.ContainsFunc(g.rules, func(r ruled) bool { return r.episodes == t })
		})
		if len(t.written) == 0 && !used {
			delete(e.byRule, definition)
		}
	}
}

// join takes window k of a product, which qualifies for the first time, into an
// episode.
func (r *ruled) join(product string, k int64) {
	r.episodes.join(product, r.start(k), event.Millis(r.slide))
}

// findEpisodes gives the rules of a generation the episodes of their definitions.
// Where a window that has qualified is in none, as the version that wrote its
// alert knew no episodes or the topic has lost it, it joins one now.
func (g *generation) findEpisodes(of *episodes) {
	for i := range g.rules {
		r := &g.rules[i]
		r.episodes = of.of(r.definition, r.length())
		for _, list := range r.qualified {
			for _, q := range list.products {
				r.join(g.products[q.product].name, list.window)
			}
		}
	}
}

// join takes a window that qualifies for the first time into the episode of the
// nearest window that has, the earlier one if two are equally near, or lets it
// begin one. Windows of the rule start slide apart.
func (t *ruleEpisodes) join(product string, start, slide event.Millis) {
	runs, i, joined := t.find(product, start)
	if joined {
		return
	}
	t.alertsAt(start, t.of.alertsEnd)
	earlier, later := i > 0 && start-runs[i-1].last <= t.window, i < len(runs) && runs[i].first-start <= t.window
	if earlier && later {
		earlier = start-runs[i-1].last <= runs[i].first-start
		later = !earlier
	}
	at := run{start, start, ""}
	switch {
	case earlier:
		at.episode = runs[i-1].episode
	case later:
		at.episode = runs[i].episode
	default:
		at.episode = event.AlertID(t.definition, product, start)
	}
	if i > 0 && runs[i-1].last+slide == start {
		i--
		at.first = runs[i].first
		runs = slices.Delete(runs, i, i+1)
	}
	if i < len(runs) && runs[i].episode == at.episode && start+slide == runs[i].first {
		at.last = runs[i].last
		runs = slices.Delete(runs, i, i+1)
	}
	t.put(product, slices.Insert(runs, i, at))
}

// set says what the alerts topic says of a window: its episode, and where one of
// its alerts is.
func (t *ruleEpisodes) set(product string, start event.Millis, episode string, offset int64) {
	t.alertsAt(start, offset)
	runs, i, known := t.find(product, start)
	if known {
		runs[i].episode = episode
		return
	}
	t.put(product, slices.Insert(runs, i, run{start, start, episode}))
}

// episode is the one of a window that has joined, or empty.
func (t *ruleEpisodes) episode(product string, start event.Millis) string {
	if runs, i, joined := t.find(product, start); joined {
		return runs[i].episode
	}
	return ""
}

// find returns the runs of a product, and the place of the one that holds the
// window, or else the place at which it belongs.
func (t *ruleEpisodes) find(product string, start event.Millis) (runs []run, i int, held bool) {
	runs = t.products[product]
	i, _ = slices.BinarySearchFunc(runs, start, func(r run, start event.Millis) int { return cmp.Compare(r.last, start) })
	return runs, i, i < len(runs) && runs[i].first <= start
}

func (t *ruleEpisodes) put(product string, runs []run) {
	t.products[product] = runs
	t.peak = max(t.peak, len(t.products))
}

func (t *ruleEpisodes) alertsAt(start event.Millis, offset int64) {
	if known, ok := t.written[start]; !ok || offset < known {
		t.written[start] = offset
		t.from = min(t.from, offset)
	}
}

func (t *ruleEpisodes) drop(watermark event.Millis) {
	gone := watermark - 2*t.window
	for product, runs := range t.products {
		n := 0
		for n < len(runs) && runs[n].last <= gone {
			n++
		}
		switch {
		case n == len(runs):
			delete(t.products, product)
		case n > 0:
			t.products[product] = slices.Delete(runs, 0, n)
		}
	}
	if t.peak > keptPlaces && 4*len(t.products) < t.peak { // a map does not give up its memory
		t.products, t.peak = maps.Collect(maps.All(t.products)), len(t.products)
	}
	t.from = highest
	for start, offset := range t.written {
		if start <= gone {
			delete(t.written, start)
		} else {
			t.from = min(t.from, offset)
		}
	}
}
