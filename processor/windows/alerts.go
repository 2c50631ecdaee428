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
func (p *Partition) markDirty(s *slot, product int32, k int64) {
	if !s.dirty {
		s.dirty = true
		p.dirty = append(p.dirty, windowOf{product, k})
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
		}
		alerts = append(alerts, p.alert(pr, s, d.number, status, p.exact(d.number)))
	}
	p.dirty = emptied(p.dirty)
	return alerts
}

// Acknowledge says that the topic holds everything that Changed has given: a
// Partition resumed from the next Commit does not give it again.
func (p *Partition) Acknowledge() {
	if !p.rebuilding {
		p.acknowledged = p.offset
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
