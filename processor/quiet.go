package processor

import (
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// How often the broker is asked where the log ends, and how far apart two
// answers may be for the time between them to count as quiet.
const (
	askEvery    = 400 * time.Millisecond
	answersHold = 2 * time.Second
)

// answer holds the log's end offsets as the broker reported them, of the partitions
// that have a leader: they were true
// at some moment between asked and got, both readings of a monotonic clock.
type answer struct {
	asked, got time.Time
	ends       broker.Offsets
}

// quiet measures for how long no event has moved a partition's event watermark.
// Time counts only between two answers of the broker that are close together,
// when everything before the ends they name has been read without such an
// event. A paused process or an unreachable broker makes it
// too short, never too long.
type quiet struct {
	of    event.Millis // the event watermark that has stayed
	since time.Time    // when it was seen to have moved
	total time.Duration
	// proven is the last answer up to which everything had been read.
	proven, pending *answer
	// tick is the offset of the last tick written; until it has been read back
	// no other is written.
	tick int64
}

// follow takes note of what the partition has read.
func (q *quiet) follow(p *windows.Partition, number int32, now func() time.Time) {
	if q.of != p.EventWatermark() {
		*q = quiet{of: p.EventWatermark(), since: now(), tick: q.tick}
	}
	// The last valid tick's may be another instance's, or from before a restart.
	q.total = max(q.total, p.Quiet().Duration())
	if a := q.pending; a != nil && !p.Rebuilding() && p.Offset() >= a.ends[number] {
		if q.proven != nil && a.got.Sub(q.proven.asked) <= answersHold {
			q.total += max(0, a.asked.Sub(q.proven.got))
		}
		q.proven, q.pending = a, nil
	}
}

// observe takes a new answer of a partition. One that was asked for before the event watermark
// moved proves nothing about the time after. If records before the last answer's
// ends are still unread, nothing is known of the time between the two.
func (q *quiet) observe(a *answer, number int32) {
	if _, answered := a.ends[number]; !answered {
		return
	}
	if a.asked.Before(q.since) {
		return
	}
	if q.pending != nil {
		q.proven = nil
	}
	q.pending = a
}

// due is the tick to write now, if there is one: it closes at least one window
// with events in it.
func (q *quiet) due(p *windows.Partition) (event.Tick, bool) {
	first, _, open := p.Unclosed()
	t := event.Tick{After: p.LastValue(), Quiet: event.Millis(q.total.Milliseconds())}
	return t, open && q.mayWrite(p) && p.EventWatermark()+t.Quiet >= first
}

// closing is the smallest tick that closes all windows, if any is open.
func (q *quiet) closing(p *windows.Partition) (event.Tick, bool) {
	_, last, open := p.Unclosed()
	if !open || !q.mayWrite(p) {
		return event.Tick{}, false
	}
	return event.Tick{After: p.LastValue(), Quiet: last - p.EventWatermark()}, true
}

func (q *quiet) mayWrite(p *windows.Partition) bool { return !p.Rebuilding() && p.Offset() > q.tick }
