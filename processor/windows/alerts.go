package windows

import "clickstream/internal/event"

// state is the state of an open window's alert.
func (p *Partition) state(s *slot) state {
	switch {
	case !s.ever:
		return silent
	case p.rule.Qualifies(int(s.views), int(s.purchases)):
		return firing
	default:
		return retracted
	}
}

// markDirty remembers that a window's state has changed.
func (p *Partition) markDirty(s *slot, w windowOf) {
	if !s.dirty {
		s.dirty = true
		p.dirty = append(p.dirty, w)
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
	for _, d := range p.dirty {
		if d.number < p.open {
			continue // closed since, and its final alert given
		}
		pr := &p.products[d.product]
		s := pr.hot.slot(d.number)
		s.dirty = false
		now := p.state(s)
		if now == s.emitted {
			continue
		}
		s.emitted = now
		status := event.Firing
		if now == retracted {
			status = event.Retracted
		} else {
			p.windows.at(d.number).qualified[d.entry].given(s)
		}
		alerts = append(alerts, p.alert(pr, s, d.number, status, p.exact(d.number)))
	}
	p.dirty = emptied(p.dirty)
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
	for k := max(p.windows.low, p.open); k <= p.windows.high; k++ {
		w := p.windows.at(k)
		for i := range w.qualified {
			q := &w.qualified[i]
			pr := &p.products[q.product]
			s := pr.hot.slot(k)
			if s.emitted == firing && (q.views != s.views || q.purchases != s.purchases) {
				q.given(s)
				alerts = append(alerts, p.alert(pr, s, k, event.Firing, p.exact(k)))
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
	for _, d := range p.dirty {
		if d.number >= p.open {
			s := p.products[d.product].hot.slot(d.number)
			s.dirty, s.emitted = false, p.state(s)
		}
	}
	p.dirty = emptied(p.dirty)
}

func (p *Partition) alert(pr *product, s *slot, k int64, status event.Status, exact bool) event.Alert {
	views, purchases := int(s.views), int(s.purchases)
	return event.Alert{
		ID:             p.rule.AlertID(pr.name, p.start(k)),
		Rule:           p.name,
		ProductID:      pr.name,
		WindowStart:    p.start(k).Time(),
		WindowEnd:      p.end(k).Time(),
		Status:         status,
		Views:          views,
		Purchases:      purchases,
		ConversionRate: event.ConversionRate(views, purchases),
		Version:        p.offset,
		Exact:          exact,
	}
}
