package backtest

import (
	"cmp"
	"slices"

	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// Partition is a partition of the log while it is read: the windows of each set,
// and what they have raised. One goroutine uses it.
type Partition struct {
	sets   []*windows.Partition
	tally  *tally
	closed event.Millis // at this watermark nothing more is needed
	open   map[string]event.Alert
	next   int64 // offset
	taken  int64 // records since the last look
	read   func(records int64)
	buffer []event.Alert
}

// lookEvery is after how many records alerts are taken. What they are does not
// depend on it.
const lookEvery = 4096

func newPartition(cfg Config, portion Portion, read func(records int64)) *Partition {
	p := &Partition{tally: newTally(cfg), closed: cfg.Span.Closed(), read: read, open: make(map[string]event.Alert)}
	for _, set := range cfg.Sets {
		w := windows.New(set, portion.From, portion.Cut)
		w.KeyHashes(cfg.HashKey)
		p.sets = append(p.sets, w)
	}
	return p
}

// Event takes the valid event of the record at offset, if it is above those that
// were taken before, and says whether more records are needed. It keeps none of
// e's strings.
func (p *Partition) Event(e *event.Event, received event.Millis, offset int64) bool {
	if offset < p.next {
		return true
	}
	p.tally.event(e.Timestamp)
	for _, w := range p.sets {
		w.Event(e, received, offset)
	}
	return p.passed(offset)
}

func (p *Partition) tick(t event.Tick, offset int64) bool {
	for _, w := range p.sets {
		w.Tick(t, offset)
	}
	return p.passed(offset)
}

func (p *Partition) invalid(offset int64) bool {
	for _, w := range p.sets {
		w.Invalid(offset)
	}
	return p.passed(offset)
}

func (p *Partition) passed(offset int64) bool {
	p.next = offset + 1
	if p.taken++; p.taken >= lookEvery {
		p.look()
	}
	// The lateness of the sets may differ, and with it their watermarks.
	for _, w := range p.sets {
		if w.Watermark() < p.closed {
			return true
		}
	}
	return false
}

// look takes the alerts of the windows that have closed since the last look.
func (p *Partition) look() {
	p.read(p.taken)
	p.taken = 0
	for _, w := range p.sets {
		p.buffer = w.Changed(p.buffer[:0])
		for _, a := range p.buffer {
			if event.MillisOf(a.WindowEnd) > w.Watermark() {
				p.open[a.ID] = a
				continue
			}
			delete(p.open, a.ID)
			p.tally.alert(a)
		}
	}
}

// finish takes the alerts of the windows that are still open, with the counts that
// they have now.
func (p *Partition) finish() {
	p.look()
	for _, w := range p.sets {
		p.buffer = w.Moved(p.buffer[:0])
		for _, a := range p.buffer {
			p.open[a.ID] = a
		}
	}
	var open []event.Alert
	for _, a := range p.open {
		open = append(open, a)
	}
	slices.SortFunc(open, func(a, b event.Alert) int {
		return cmp.Or(a.WindowStart.Compare(b.WindowStart), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range open {
		p.tally.alert(a)
	}
	p.tally.finish()
	for _, w := range p.sets {
		c := w.Counts()
		p.tally.unremembered = max(p.tally.unremembered, c.Unremembered())
	}
}
