package windows

import "clickstream/internal/event"

// state is the state of an open window's alert.
func (g *generation) state(s *slot) state {
	switch {
	case !s.ever:
		return silent
	case g.rule.Qualifies(int(s.views), int(s.purchases)):
		return firing
	default:
		return retracted
	}
}

// markDirty remembers that a window's state has changed.
func (g *generation) markDirty(s *slot, w windowOf) {
	if !s.dirty {
		s.dirty = true
		g.dirty = append(g.dirty, w)
	}
}

// Changed appends the alerts that the topic does not hold yet, in the order of
// their versions, and takes them as emitted. While the partition is being
// rebuilt there are none: some of its windows may not be complete.
func (p *Partition) Changed(alerts []event.Alert) []event.Alert {
	if p.readTo(p.offset); p.rebuilding {
		return alerts
	}
	alerts = append(alerts, p.closed...)
	p.closed = emptied(p.closed)
	return p.generation.changed(p.offset, alerts)
}

func (g *generation) changed(version int64, alerts []event.Alert) []event.Alert {
	for _, d := range g.dirty {
		if d.number < g.open {
			continue // closed since, and its final alert given
		}
		pr := &g.products[d.product]
		s := pr.hot.slot(d.number)
		s.dirty = false
		now := g.state(s)
		if now == s.emitted {
			continue
		}
		s.emitted = now
		status := event.Firing
		if now == retracted {
			status = event.Retracted
		} else {
			g.windows.at(d.number).qualified[d.entry].given(s)
		}
		alerts = append(alerts, g.alert(pr, s, d.number, status, g.exact(d.number), version))
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
	return p.generation.moved(p.offset, alerts)
}

func (g *generation) moved(version int64, alerts []event.Alert) []event.Alert {
	for k := max(g.windows.low, g.open); k <= g.windows.high; k++ {
		w := g.windows.at(k)
		for i := range w.qualified {
			q := &w.qualified[i]
			pr := &g.products[q.product]
			s := pr.hot.slot(k)
			if s.emitted == firing && (q.views != s.views || q.purchases != s.purchases) {
				q.given(s)
				alerts = append(alerts, g.alert(pr, s, k, event.Firing, g.exact(k), version))
			}
		}
	}
	return alerts
}

func (q *qualified) given(s *slot) { q.views, q.purchases = s.views, s.purchases }

// Acknowledge says that the topic holds everything that Changed had given when
// the Partition was at offset: one resumed from a Commit made there does not
// give it again.
func (p *Partition) Acknowledge(offset int64) {
	if !p.rebuilding {
		p.acknowledged = max(p.acknowledged, offset)
	}
}

// readTo says that everything before offset has been read. Where an earlier
// reading left off, the topic holds what the windows say at that very place.
func (p *Partition) readTo(offset int64) {
	if !p.rebuilding || offset < p.acknowledged {
		return
	}
	p.rebuilding = false
	p.generation.emitted()
}

// emitted takes the states of all windows as those that the topic holds.
func (g *generation) emitted() {
	for _, d := range g.dirty {
		if d.number >= g.open {
			s := g.products[d.product].hot.slot(d.number)
			s.dirty, s.emitted = false, g.state(s)
		}
	}
	g.dirty = emptied(g.dirty)
}

func (g *generation) alert(pr *product, s *slot, k int64, status event.Status, exact bool, version int64) event.Alert {
	views, purchases := int(s.views), int(s.purchases)
	return event.Alert{
		ID:             g.rule.AlertID(pr.name, g.start(k)),
		Rule:           g.name,
		ProductID:      pr.name,
		WindowStart:    g.start(k).Time(),
		WindowEnd:      g.end(k).Time(),
		Status:         status,
		Views:          views,
		Purchases:      purchases,
		ConversionRate: event.ConversionRate(views, purchases),
		Version:        version,
		Exact:          exact,
	}
}
