package verify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// model is W1 to W5, W8 and W9 for one partition, in plain code.
type model struct {
	judging   []judging
	invalid   int          // changes of rules
	eventMark event.Millis // event watermark
	mark      event.Millis
	newest    event.Millis
	lastValue int64
	counted   map[string]bool
	counts    map[window][]uint32
	// The episode of each window that has qualified, by the windows' starts.
	episodes map[ofRule]map[event.Millis]string
}

// ofRule is a product under a rule, in whatever set.
type ofRule struct{ definition, product string }

// judging is the windows that a set judges: those that start after a time and up
// to another.
type judging struct {
	set         *rules.Set
	after, upTo event.Millis
}

type window struct {
	set     *rules.Set
	rule    int
	product string
	start   event.Millis
}

func (w window) end() event.Millis {
	return w.start + event.Millis(w.set.Rules()[w.rule].Window.Milliseconds())
}

const (
	never = event.Millis(-1 << 50)
	ever  = event.Millis(1 << 50)
)

// newModel is one of a log on which no set has been put in force.
func newModel() *model {
	return &model{judging: []judging{{rules.Default(), never, ever}}, eventMark: never, mark: never, newest: never, lastValue: -1,
		counted: map[string]bool{}, counts: map[window][]uint32{}, episodes: map[ofRule]map[event.Millis]string{}}
}

func (m *model) inForce() *rules.Set { return m.judging[len(m.judging)-1].set }

func (m *model) event(e event.Event, received event.Millis, offset int64) {
	before := m.mark
	m.lastValue = offset
	m.eventMark = max(m.eventMark, min(e.Timestamp, received)-event.Millis(m.inForce().Lateness().Milliseconds()))
	m.mark = max(m.mark, m.eventMark)
	if e.IsFuture(received) {
		return
	}
	m.newest = max(m.newest, e.Timestamp)
	identity := fmt.Sprint(e.Key(), "|", e.Type, "|", e.Timestamp, "|", e.ID)
	if m.counted[identity] || e.ProductID == "" {
		return
	}
	m.counted[identity] = true
	var qualified []window
	for _, j := range m.judging {
		column := slices.Index(j.set.Types(), e.Type)
		for i, r := range j.set.Rules() {
			length, slide := event.Millis(r.Window.Milliseconds()), event.Millis(r.Slide.Milliseconds())
			for start := e.Timestamp / slide * slide; start > e.Timestamp-length; start -= slide {
				w := window{j.set, i, e.ProductID, start}
				if start <= j.after || start > j.upTo || before >= w.end() || column < 0 {
					continue
				}
				if m.counts[w] == nil {
					m.counts[w] = make([]uint32, rules.MaxTypes)
				}
				m.counts[w][column]++
				if w.set.Qualifies(w.rule, m.counts[w]) {
					qualified = append(qualified, w)
				}
			}
		}
	}
	slices.SortFunc(qualified, func(a, b window) int { return int(a.start - b.start) })
	for _, w := range qualified {
		m.join(w)
	}
}

// join finds the episode of a window that qualifies, if it has none.
func (m *model) join(w window) {
	at := ofRule{w.set.Definition(w.rule), w.product}
	if m.episodes[at] == nil {
		m.episodes[at] = map[event.Millis]string{}
	}
	if _, joined := m.episodes[at][w.start]; joined {
		return
	}
	episode := w.set.AlertID(w.rule, w.product, w.start)
	nearest, of := w.end()-w.start+1, event.Millis(0)
	for start, e := range m.episodes[at] {
		away := max(start-w.start, w.start-start)
		if away < nearest || away == nearest && start < of {
			nearest, of, episode = away, start, e
		}
	}
	m.episodes[at][w.start] = episode
}

func (m *model) tick(t event.Tick) {
	if t.After == m.lastValue && m.eventMark > never {
		m.mark = max(m.mark, m.eventMark+t.Quiet)
	}
}

// change puts a set in force. Sets are counted from the first one with an open
// window on.
func (m *model) change(set *rules.Set) {
	last := &m.judging[len(m.judging)-1]
	open := slices.IndexFunc(m.judging, m.hasOpen)
	switch {
	case set.Hash() == last.set.Hash():
	case last.after == m.newest:
		last.set = set
	case len(m.judging)-open >= 8:
		m.invalid++
	default:
		last.upTo = m.newest
		m.judging = append(m.judging, judging{set, m.newest, ever})
	}
}

func (m *model) hasOpen(j judging) bool {
	return slices.ContainsFunc(j.set.Rules(), func(r rules.Rule) bool {
		slide := event.Millis(r.Slide.Milliseconds())
		last := j.upTo - j.upTo%slide
		return last > j.after && last+event.Millis(r.Window.Milliseconds()) > m.mark
	})
}

// final are the alerts of the windows that have closed.
func (m *model) final(version int64) (confirmed, retracted []event.Alert) {
	for w, counts := range m.counts {
		episode, ever := m.episodes[ofRule{w.set.Definition(w.rule), w.product}][w.start]
		if !ever || m.mark < w.end() {
			continue
		}
		a := w.alert(counts, version)
		a.EpisodeID = episode
		if w.set.Qualifies(w.rule, counts) {
			confirmed = append(confirmed, a)
		} else {
			a.Status = event.Retracted
			retracted = append(retracted, a)
		}
	}
	return confirmed, retracted
}

func (w window) alert(counts []uint32, version int64) event.Alert {
	views, purchases := int(counts[0]), int(counts[1])
	return event.Alert{
		ID: w.set.AlertID(w.rule, w.product, w.start), Rule: w.set.Definition(w.rule), ProductID: w.product,
		WindowStart: w.start.Time(), WindowEnd: w.end().Time(), Status: event.Confirmed,
		Views: views, Purchases: purchases, ConversionRate: event.ConversionRate(views, purchases),
		Version: version, Exact: true,
	}
}

// randomLog is records of every kind, and the alerts that follow from them.
type randomLog struct {
	records []*kgo.Record
	models  []*model
	next    []int64
	alerts  []event.Alert // the confirmed ones
	invalid int
	// Those of windows that qualified for a time.
	retracted []event.Alert
}

// newRandomLog makes one of n records. The first set judges it from its beginning
// on; any of them is put in force from time to time.
func newRandomLog(seed uint64, n int, partitions int32, topic string, sets ...*rules.Set) *randomLog {
	rnd := rand.New(rand.NewPCG(seed, 7))
	l := &randomLog{next: make([]int64, partitions)}
	now := event.MillisOf(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	add := func(r *kgo.Record) int64 {
		r.Topic, r.Timestamp = topic, now.Time()
		l.records = append(l.records, r)
		l.next[r.Partition]++
		return l.next[r.Partition] - 1
	}
	change := func(p int32, set *rules.Set) {
		add(broker.RulesRecord(topic, p, event.RulesChange{Hash: set.Hash(), At: now}))
		l.models[p].change(set)
	}
	for p := range partitions {
		l.models = append(l.models, newModel())
		change(p, sets[0])
	}
	var sent []event.Event
	for i := range n {
		now += event.Millis(rnd.IntN(300))
		p := rnd.Int32N(partitions)
		switch k := rnd.IntN(100); {
		case k < 2:
			t := event.Tick{After: l.models[p].lastValue - rnd.Int64N(2), Quiet: event.Millis(rnd.IntN(15000))}
			add(broker.TickRecord(topic, p, t))
			l.models[p].tick(t)
			continue
		case k < 3:
			change(p, sets[rnd.IntN(len(sets))])
			continue
		case k < 5:
			l.models[p].lastValue = add(&kgo.Record{Partition: p, Value: fmt.Appendf(nil, "invalid %d", i)})
			l.invalid++
			continue
		}
		e := randomEvent(rnd, i, now, sent)
		if len(sets) > 1 && e.Timestamp > now {
			// Sent again, it would begin to count, and put off by five minutes from when on
			// later sets judge.
			e.Timestamp += 600_000
		}
		sent = append(sent, e)
		p = event.Partition(e.Key(), partitions)
		offset := add(&kgo.Record{Partition: p, Key: []byte(e.Key()), Value: e.AppendJSON(nil)})
		l.models[p].event(e, now, offset)
	}
	for p, m := range l.models {
		confirmed, retracted := m.final(l.next[p])
		l.alerts, l.retracted = append(l.alerts, confirmed...), append(l.retracted, retracted...)
	}
	return l
}

// randomEvent is one of every kind; some were sent before.
func randomEvent(rnd *rand.Rand, i int, now event.Millis, sent []event.Event) event.Event {
	e := event.Event{
		ID: fmt.Sprintf("e%d", i), Type: event.TypeView, Timestamp: now - event.Millis(rnd.IntN(4000)),
		UserID: "u", ProductID: fmt.Sprintf("p%d", rnd.IntN(5)), Quantity: 1, Brand: "acme",
	}
	switch k := rnd.IntN(100); {
	case k < 6:
		e.Type = event.TypePurchase
	case k < 12:
		e.Type = event.TypeAddToCart
	case k < 13:
		e.Type = event.TypeSearch
	case k < 14:
		e.Type, e.ProductID = event.TypeSearch, ""
	case k < 18:
		e.Timestamp -= event.Millis(rnd.IntN(40_000)) // often late
	case k < 20:
		e.Timestamp += event.FutureAfter + event.Millis(rnd.IntN(10_000))
	case k < 30 && len(sent) > 0:
		e = sent[rnd.IntN(len(sent))] // again, perhaps with another content
		if rnd.IntN(3) == 0 {
			e.Brand = "other"
		}
	}
	return e
}
