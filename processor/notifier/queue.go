package notifier

import (
	"container/list"
	"time"

	"clickstream/internal/broker"
	"clickstream/processor/notifier/webhook"
)

// Pauses of a receiver that did not take a notice. The notice itself waits for
// twice as long each time, and the receiver gets another one earlier: a notice
// that it never takes does not hold up the others. When it takes one again, all
// that wait are due.
const (
	firstPause    = time.Second
	longestPause  = 5 * time.Minute
	receiverPause = 30 * time.Second
	mostBodies    = 16 << 20 // bytes of bodies that a queue holds; others are read again
)

// queue is what is to be sent to one receiver, in all partitions. It is used
// under the ledger's lock.
type queue struct {
	partitions map[int32]*list.List // of *pending, the one to be tried next first
	byKey      map[string]*list.Element
	bodies     int // bytes of bodies that are held

	fails     int       // in a row
	resume    time.Time // nothing is sent before
	recovered time.Time // what was tried before is due since then
}

// pending is a notice that is to be sent.
type pending struct {
	key       string // on the ledger, without the kind
	partition int32
	offset    int64              // of its intent
	entry     broker.LedgerEntry // of its intent; without the body where too many are held
	first     string             // of an end: the key of the first notice, which goes before
	tries     int                // how often it was sent, each time with short retries
	attempts  int                // requests
	tried     time.Time          // last
	next      time.Time
}

func newQueue() *queue {
	return &queue{partitions: make(map[int32]*list.List), byKey: make(map[string]*list.Element)}
}

func (q *queue) add(key string, partition int32, offset int64, e *broker.LedgerEntry) {
	p := &pending{key: key, partition: partition, offset: offset, entry: *e}
	if q.bodies+len(e.Body) > mostBodies {
		p.entry.Body = ""
	}
	q.bodies += len(p.entry.Body)
	if e.Notice == broker.NoticeEnd {
		first := *e
		first.Notice = broker.NoticeFirst
		p.first = noticeKey(&first)
	}
	l := q.partitions[partition]
	if l == nil {
		l = list.New()
		q.partitions[partition] = l
	}
	q.byKey[key] = l.PushBack(p)
}

// repeated says that the intent is on the ledger again: compaction may delete the
// one before.
func (q *queue) repeated(key string, offset int64) {
	if e := q.byKey[key]; e != nil {
		e.Value.(*pending).offset = offset
	}
}

func (q *queue) remove(key string) {
	e := q.byKey[key]
	if e == nil {
		return
	}
	p := e.Value.(*pending)
	q.bodies -= len(p.entry.Body)
	q.partitions[p.partition].Remove(e)
	delete(q.byKey, key)
}

// pick is the notice that is to be sent now, of the partitions that are owned, or
// nil and when to look again; that is zero where only a change helps.
func (q *queue) pick(owned map[int32]*ownership, now time.Time) (next *pending, again time.Time) {
	earlier := func(t time.Time) {
		if again.IsZero() || t.Before(again) {
			again = t
		}
	}
	if q.resume.After(now) {
		return nil, q.resume
	}
	for partition := range owned {
		l := q.partitions[partition]
		if l == nil {
			continue
		}
		for e := l.Front(); e != nil; e = e.Next() {
			p := e.Value.(*pending)
			if q.byKey[p.first] != nil {
				continue
			}
			due := p.next
			if p.tries > 0 && p.tried.Before(q.recovered) {
				due = time.Time{}
			}
			switch {
			case due.After(now):
				earlier(due)
			case next == nil || p.tries < next.tries:
				next = p
			}
			if p.tries == 0 {
				break // those behind it were not tried either
			}
		}
	}
	return next, again
}

// failed puts the notice behind the others of its partition.
func (q *queue) failed(p *pending, a webhook.Answer, now time.Time) {
	p.tries++
	p.tried = now
	p.next = now.Add(max(pause(firstPause, p.tries, longestPause), a.Wait))
	q.fails++
	q.resume = now.Add(max(pause(firstPause, q.fails, receiverPause), a.Wait))
	if e := q.byKey[p.key]; e != nil {
		q.partitions[p.partition].MoveToBack(e)
	}
}

// worked says that the receiver takes notices.
func (q *queue) worked(now time.Time) {
	if q.fails > 0 {
		q.recovered = now
	}
	q.fails, q.resume = 0, time.Time{}
}

// pause doubles with each failure.
func pause(first time.Duration, fails int, longest time.Duration) time.Duration {
	for ; fails > 1 && first < longest; fails-- {
		first *= 2
	}
	return min(first, longest)
}
