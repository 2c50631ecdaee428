package notifier

import (
	"context"
	"slices"
	"sync"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/notifier/webhook"
)

// ledger is what is on the notifications topic and on the rules topic, as far as
// they have been read, and what this instance owns of it. Any number of
// goroutines may use it.
type ledger struct {
	mu       sync.Mutex
	notices  map[string]*noticed // by episode, notice and receiver
	queues   map[string]*queue   // by receiver
	silences map[string]broker.LedgerEntry
	rules    map[string]rules.Rule // by definition: the one that was stored last
	owned    map[int32]*ownership
	moved    chan struct{} // closed at the next change
}

// noticed is what is known of a notice to a receiver.
type noticed struct {
	outcome broker.Outcome // empty: it is to be sent
	from    time.Time      // of the intent
}

// ownership is a partition while it is ours.
type ownership struct {
	ctx     context.Context // ends when nothing of it may be sent any more
	end     context.CancelFunc
	sending sync.WaitGroup
}

func newLedger() *ledger {
	l := &ledger{
		notices: make(map[string]*noticed), queues: make(map[string]*queue), silences: make(map[string]broker.LedgerEntry),
		rules: make(map[string]rules.Rule), owned: make(map[int32]*ownership), moved: make(chan struct{}),
	}
	l.applyRules(rules.Default()) // which need not be on the topic
	return l
}

func noticeKey(e *broker.LedgerEntry) string { return e.NoticeKey() + "/" + e.Receiver }

// change wakes those who wait for a change. The caller holds the lock.
func (l *ledger) change() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// apply takes an entry that is on the ledger. The first intent of a notice is the
// one that is sent, and the first result counts: others repeat them.
func (l *ledger) apply(partition int32, offset int64, e *broker.LedgerEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.change()
	switch e.Kind {
	case broker.LedgerSilence:
		l.silences[e.SilenceID] = *e
	case broker.LedgerIntent:
		key := noticeKey(e)
		if n := l.notices[key]; n == nil {
			l.notices[key] = &noticed{from: e.From}
			l.queue(e.Receiver).add(key, partition, offset, e)
		} else {
			n.from = e.From
			l.queue(e.Receiver).repeated(key, offset)
		}
	case broker.LedgerResult:
		key := noticeKey(e)
		n := l.notices[key]
		if n == nil {
			n = &noticed{}
			l.notices[key] = n
		}
		if n.outcome == "" {
			n.outcome = e.Outcome
			l.queue(e.Receiver).remove(key)
		}
	}
}

func (l *ledger) queue(receiver string) *queue {
	q := l.queues[receiver]
	if q == nil {
		q = newQueue()
		l.queues[receiver] = q
	}
	return q
}

// applyRules takes a set that is on the rules topic.
func (l *ledger) applyRules(set *rules.Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range set.Rules() {
		l.rules[set.Definition(i)] = r
	}
}

// rule is the rule with a definition. One that is not known notifies.
func (l *ledger) rule(definition string) rules.Rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.rules[definition]; ok {
		return r
	}
	return rules.Rule{Name: event.RuleName(definition), Notify: true}
}

// noticed is what is known of a notice to a receiver, or nil.
func (l *ledger) noticed(episode string, notice broker.Notice, receiver string) *noticed {
	key := noticeKey(&broker.LedgerEntry{EpisodeID: episode, Notice: notice, Receiver: receiver})
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.notices[key]; n != nil {
		known := *n
		return &known
	}
	return nil
}

// silenced says whether a silence holds for a product or a rule at a time.
func (l *ledger) silenced(product, rule string, at time.Time) (broker.LedgerEntry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.silences {
		if (s.ProductID == "" || s.ProductID == product) && (s.Rule == "" || s.Rule == rule) && at.Before(s.Until) {
			return s, true
		}
	}
	return broker.LedgerEntry{}, false
}

// own makes a partition ours: what is to be sent of it is sent.
func (l *ledger) own(ctx context.Context, partition int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := &ownership{}
	o.ctx, o.end = context.WithCancel(context.WithoutCancel(ctx))
	l.owned[partition] = o
	l.change()
}

// disown gives partitions up. What is being sent may take until ctx ends; then
// it is broken off, and the next owner sends it again.
func (l *ledger) disown(ctx context.Context, partitions []int32) {
	var gone []*ownership
	l.mu.Lock()
	for _, p := range partitions {
		if o := l.owned[p]; o != nil {
			gone = append(gone, o)
			delete(l.owned, p)
		}
	}
	l.mu.Unlock()
	for _, o := range gone {
		stop := context.AfterFunc(ctx, o.end)
		o.sending.Wait()
		stop()
		o.end()
	}
}

// ownedPartitions are those that are ours now.
func (l *ledger) ownedPartitions() []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var owned []int32
	for p := range l.owned {
		owned = append(owned, p)
	}
	return owned
}

// orphans are results for notices that wait since before a time, in partitions
// that are ours, for receivers that are not among ours.
func (l *ledger) orphans(clients []*webhook.Client, before time.Time) []decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	var made []decision
	for name, q := range l.queues {
		if slices.ContainsFunc(clients, func(c *webhook.Client) bool { return c.Name == name }) {
			continue
		}
		for _, e := range q.byKey {
			p := e.Value.(*pending)
			if l.owned[p.partition] == nil || p.entry.At.After(before) {
				continue
			}
			result := p.entry
			result.Kind, result.Body, result.From = broker.LedgerResult, "", time.Time{}
			result.At = time.Now().UTC().Truncate(time.Millisecond)
			result.Outcome, result.Reason = broker.OutcomeFailed, "no receiver has this name any more"
			made = append(made, decision{p.partition, result})
		}
	}
	return made
}
