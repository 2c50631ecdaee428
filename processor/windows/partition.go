package windows

import (
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Partition is the state of one partition of the log. It does no I/O and reads
// no clock: what it holds, and every alert it gives, is a function of the
// records passed to it, in the order of their offsets. One goroutine uses it.
type Partition struct {
	// What lies before the next record; first as a place to go back to.
	place
	late    event.Millis // lateness in force
	hashKey event.HashKey
	limits  // of its generations

	// generations are those with open windows, in their order. The set of the last
	// one is in force. ended are those that a commit may still have to name.
	generations []*generation
	ended       []*generation
	begun       int // generations so far
	episodes    episodes
	// Where retention has cut the log, windows that start before this time are not
	// judged. It is never until the first event.
	judged event.Millis

	// The alerts topic holds everything up to this offset, by this reading of
	// the log or an earlier one. While rebuilding, this one has not come there.
	acknowledged int64
	rebuilding   bool
	more         string // fields of the commit's metadata that are not known here

	closed []event.Alert // final alerts not taken yet

	countFrom int64
	leftOut   func(offset int64, future bool)
	counts    Counts
}

const (
	lowest  = -1 << 63 // every window is open, or judged
	highest = 1<<63 - 1

	never = event.Millis(highest) // no window is judged
)

// New is a partition of which nothing has been read, to start at
// offset start, where set is in force. If the log has been cut before it, windows
// are judged only where none of the events that are missing can count: from
// event.FutureAfter after the time at which the first event was received. They
// were received before, and an event that is further ahead counts in no window.
// The first event's own time says nothing of theirs: it may be late.
func New(set *rules.Set, start int64, cut bool) *Partition {
	p := &Partition{
		place:  place{offset: start, eventWatermark: None, watermark: None, lastValue: -1, newest: None},
		limits: limits{maxIDs: idsPerPane, maxProducts: productsPerPane},
		judged: None,
	}
	if cut {
		p.judged = never
	}
	p.begin(set, None)
	return p
}

// Event takes the valid event of the record at offset. It keeps none of e's
// strings.
func (p *Partition) Event(e *event.Event, received event.Millis, offset int64) {
	p.readTo(offset)
	counting := offset >= p.countFrom
	if counting {
		p.counts.Events++
	}
	if p.judged == never {
		p.judged = received + event.FutureAfter
		for _, g := range p.generations {
			g.judgeFrom(p.judged)
		}
	}
	before := p.place
	p.offset, p.lastValue = offset+1, offset
	// A window that ends at or below a watermark that this event gives does not
	// hold the event, which is younger by the lateness at least. So such windows
	// may be closed before the event is counted, and those it counts in are the
	// same as by the watermark before it (W5). Closing first keeps what is open
	// close together in time, however long nothing has come.
	if w := min(e.Timestamp, received) - p.late; w > p.eventWatermark {
		p.eventWatermark, p.quiet = w, 0
		p.advance(w)
	}
	if e.IsFuture(received) {
		if counting {
			p.counts.Future++
			p.leaveOut(offset, true)
		}
		return
	}
	p.newest = max(p.newest, e.Timestamp)
	done, held := p.count(e, &before)
	switch {
	case !counting:
	case held:
		p.counts.take(done)
	default:
		p.counts.Late++
		p.leaveOut(offset, false)
	}
}

// count counts an event that is not future in the windows that hold it, and says
// whether any open one does.
func (p *Partition) count(e *event.Event, before *place) (done outcome, held bool) {
	hash, hashed := uint64(0), false
	for _, g := range p.generations {
		pane := floorDiv(int64(e.Timestamp), g.pane)
		if !g.holds(pane) {
			continue
		}
		held = true
		column := g.column(e.Type)
		if column < 0 || pane < g.judged || e.ProductID == "" {
			continue
		}
		if !hashed {
			hash, hashed = e.IdentityHash(p.hashKey), true
		}
		done |= g.count(e, hash, pane, column, before)
	}
	return done, held
}

func (p *Partition) leaveOut(offset int64, future bool) {
	if p.leftOut != nil {
		p.leftOut(offset, future)
	}
}

// Invalid takes a record whose value is no valid event.
func (p *Partition) Invalid(offset int64) {
	p.readTo(offset)
	if offset >= p.countFrom {
		p.counts.Invalid++
	}
	p.offset, p.lastValue = offset+1, offset
}

// Skip takes a record without a value that is no tick, and control records.
func (p *Partition) Skip(offset int64) {
	p.readTo(offset)
	p.offset = offset + 1
}

// Tick takes a tick, which is valid only directly after the record it names,
// and means nothing before the first event.
func (p *Partition) Tick(t event.Tick, offset int64) {
	p.readTo(offset)
	p.offset = offset + 1
	valid := t.After == p.lastValue && p.eventWatermark != None
	if offset >= p.countFrom {
		if valid {
			p.counts.Ticks++
		} else {
			p.counts.InvalidTicks++
		}
	}
	if valid {
		p.quiet = min(t.Quiet, maxQuiet)
		p.advance(p.eventWatermark + p.quiet)
	}
}

// maxQuiet keeps the watermark within the numbers whatever a tick says: ten
// thousand years.
const maxQuiet = event.Millis(315_360_000_000_000)

// advance raises the watermark and closes the windows that end at or below it.
func (p *Partition) advance(watermark event.Millis) {
	if watermark <= p.watermark {
		return
	}
	p.watermark = watermark
	closed := false
	for _, g := range p.generations {
		if watermark >= g.nextEnd {
			final := g.advance(watermark, p.offset, p.offset > p.acknowledged)
			p.closed = append(p.closed, final...)
			closed = true
		}
	}
	p.retireOver()
	if closed {
		p.episodes.drop(watermark, p.generations)
	}
}
