package windows

import "clickstream/internal/event"

// Changed appends the alerts that the topic does not hold yet, in the order of
// their versions, and takes them as emitted. While the partition is being
// rebuilt there are none: some of its windows may not be complete.
func (p *Partition) Changed(alerts []event.Alert) []event.Alert {
	if p.readTo(p.offset); p.rebuilding {
		return alerts
	}
	alerts = append(alerts, p.closed...)
	p.closed = emptied(p.closed)
	for _, g := range p.generations {
		alerts = g.changed(p.offset, alerts)
	}
	return alerts
}

func (g *generation) changed(version int64, alerts []event.Alert) []event.Alert {
	for _, d := range g.dirty {
		r := &g.rules[d.rule]
		if d.number < r.open {
			continue // closed since, and its final alert given
		}
		pr := &g.products[d.product]
		s := pr.under(r.index).slot(d.number, g.slotSize)
		m := s.mark()
		// A state that came and went is given again: a reading that was killed may
		// have emitted what lay in between.
		*m &^= dirty
		if *m&qualifies != 0 {
			r.qualified.at(d.number, m.entry()).given(s.counts())
		}
		alerts = append(alerts, r.alert(pr.name, s.counts(), d.number, m.status(), g.exact(r, d.number), version))
	}
	g.dirty = emptied(g.dirty)
	return alerts
}

// Moved appends the firing alerts whose counts are no longer those with which
// they were given last, and takes them as emitted. After a Resume, when it is
// not known which counts the topic holds, it gives each firing alert once.
// Changed has to be called first.
func (p *Partition) Moved(alerts []event.Alert) []event.Alert {
	if p.rebuilding {
		return alerts
	}
	for _, g := range p.generations {
		alerts = g.moved(p.offset, alerts)
	}
	return alerts
}

func (g *generation) moved(version int64, alerts []event.Alert) []event.Alert {
	for i := range g.rules {
		r := &g.rules[i]
		for _, list := range r.qualified {
			for n := range list.products {
				q := &list.products[n]
				pr := &g.products[q.product]
				s := pr.under(i).slot(list.window, g.slotSize)
				if *s.mark()&(qualifies|dirty) == qualifies && q.moved(s.counts()) {
					q.given(s.counts())
					alerts = append(alerts, r.alert(pr.name, s.counts(), list.window, event.Firing, g.exact(r, list.window), version))
				}
			}
		}
	}
	return alerts
}

// Acknowledge says that the topic holds everything that Changed had given when
// the Partition was at offset: one resumed from a Commit made there does not
// give it again.
func (p *Partition) Acknowledge(offset int64) {
	if !p.rebuilding {
		p.acknowledged = max(p.acknowledged, offset)
	}
}

// AlertsEnd says that every alert that is yet to be written gets this offset in
// the alerts topic or a higher one. It may be lower than before, as the topic was
// created again.
func (p *Partition) AlertsEnd(offset int64) { p.episodes.alertsEnd = offset }

// readTo says that everything before offset has been read. Where an earlier
// reading left off, the topic holds what the windows say at that very place.
func (p *Partition) readTo(offset int64) {
	if !p.rebuilding || offset < p.acknowledged {
		return
	}
	p.rebuilding = false
	for _, g := range p.generations {
		g.emitted()
		g.findEpisodes(&p.episodes)
	}
}

// emitted takes the states of all windows as those that the topic holds.
func (g *generation) emitted() {
	for _, d := range g.dirty {
		if r := &g.rules[d.rule]; d.number >= r.open {
			*g.products[d.product].under(r.index).slot(d.number, g.slotSize).mark() &^= dirty
		}
	}
	g.dirty = emptied(g.dirty)
}

func (r *ruled) alert(product string, counts []uint32, k int64, status event.Status, exact bool, version int64) event.Alert {
	views, purchases := int(counts[viewColumn]), int(counts[purchaseColumn])
	return event.Alert{
		ID:             event.AlertID(r.definition, product, r.start(k)),
		Rule:           r.definition,
		ProductID:      product,
		WindowStart:    r.start(k).Time(),
		WindowEnd:      r.end(k).Time(),
		Status:         status,
		Views:          views,
		Purchases:      purchases,
		ConversionRate: event.ConversionRate(views, purchases),
		Version:        version,
		EpisodeID:      r.episodes.episode(product, r.start(k)),
		Exact:          exact,
	}
}
