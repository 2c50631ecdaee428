package windows

import (
	"cmp"
	"slices"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// maxGenerations is how many may have open windows at once: a commit's metadata
// names each.
const maxGenerations = 8

// Rules takes the control record at offset that puts set in force (W8): windows
// that start after the highest time of the events before it, of those that are
// valid and not future, are judged by set, and earlier ones by the sets before. A
// set that judges no window, as another one follows before any such event, is as
// if it had not been. A record that repeats the set in force changes nothing. A
// record is not valid, and changes nothing, where as many sets as one commit can
// name have open windows.
func (p *Partition) Rules(set *rules.Set, offset int64) {
	p.readTo(offset)
	p.offset = offset + 1
	last := len(p.generations) - 1
	current := p.generations[last]
	same := current.set.Hash() == set.Hash()
	idle := current.after == p.newest
	valid := same || idle || len(p.generations) < maxGenerations
	if offset >= p.countFrom {
		if valid {
			p.counts.Rules++
		} else {
			p.counts.InvalidRules++
		}
	}
	if same || !valid {
		return
	}
	if idle {
		p.retire(last)
	} else {
		current.end(p.newest)
	}
	p.begin(set, p.newest)
	p.retireOver()
}

// begin puts set in force for the windows that start after the time after.
func (p *Partition) begin(set *rules.Set, after event.Millis) {
	g := newGeneration(set, after, p.offset, &p.limits)
	g.number = p.begun
	p.begun++
	g.judgeFrom(p.judged)
	if p.watermark != None {
		g.advance(p.watermark, p.offset, false)
	}
	p.generations = append(p.generations, g)
	if !p.rebuilding {
		g.findEpisodes(&p.episodes)
	}
	p.late = event.Millis(set.Lateness().Milliseconds())
}

// retireOver retires the first generations as long as they are over. A later one
// waits for those before it, so that each ends where the next one begins.
func (p *Partition) retireOver() {
	for p.generations[0].over() {
		p.retire(0)
	}
}

// retire takes generation i, which has no open window or judges none, from those
// that are counted in. Its number, set and bounds are kept as long as a commit may
// need them: no place to go back to lies before all that is still there.
func (p *Partition) retire(i int) {
	g := p.generations[i]
	p.generations = slices.Delete(p.generations, i, i+1)
	from := p.from()
	p.ended = slices.DeleteFunc(p.ended, func(e *generation) bool { return e.ended < from.offset })
	p.ended = append(p.ended, &generation{set: g.set, after: g.after, number: g.number, since: g.since, ended: p.offset})
}

// from is the place from which all windows that are not closed can be rebuilt.
func (p *Partition) from() place {
	from := p.place
	for _, g := range p.generations {
		for k := g.panes.low; k <= g.panes.high; k++ {
			if first := g.panes.at(k).first; first.offset >= 0 && first.offset < from.offset {
				from = first
			}
		}
	}
	return from
}

// inForce are the generations that had open windows at a place, in their order.
// The set of the last was in force there.
func (p *Partition) inForce(at place) []*generation {
	var all []*generation
	for _, g := range slices.Concat(p.ended, p.generations) {
		if g.since <= at.offset && (g.ended < 0 || g.ended > at.offset) {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *generation) int { return cmp.Compare(a.number, b.number) })
	return all
}
