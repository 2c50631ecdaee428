package processor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// Explanation says in which windows one event counted, or why in none.
type Explanation struct {
	// Watermark before the event's record; 0 before the first event.
	Watermark event.Millis `json:"watermark_ms"`
	// Starts of the windows it counted in, in order.
	Starts []time.Time `json:"window_starts"`
	// Why it counted in none, or not in all of its windows.
	Why string `json:"why,omitempty"`

	// Rules are those by which it counted.
	Rules []RuleWindows `json:"rules"`
}

// RuleWindows are the windows of one rule in which an event counted.
type RuleWindows struct {
	Rule   string        `json:"rule"` // its definition
	Window time.Duration `json:"-"`    // how long they are
	Starts []time.Time   `json:"window_starts"`
}

func (x Explanation) String() string {
	if len(x.Starts) == 0 {
		return "counted in no window: " + x.Why
	}
	named := make(map[string]int)
	for _, r := range x.Rules {
		named[event.RuleName(r.Rule)]++
	}
	var byRule []string
	for _, r := range x.Rules {
		name := event.RuleName(r.Rule)
		if named[name] > 1 { // that of two rule sets
			name = event.ShortRule(r.Rule)
		}
		var starts []string
		for _, s := range r.Starts {
			starts = append(starts, s.Format("15:04:05"))
		}
		byRule = append(byRule, fmt.Sprintf("%s in its windows of %s from %s UTC", name, event.ShortDuration(r.Window), strings.Join(starts, ", ")))
	}
	text := "counted by " + strings.Join(byRule, "; by ")
	if x.Why != "" {
		text += "; " + x.Why
	}
	return text
}

// Explain reads a partition of the log again up to the record at offset and
// says in which windows that counted, under the rules in force on the log.
func Explain(ctx context.Context, cl *broker.Client, partitionNumber int32, offset int64) (Explanation, error) {
	x := Explanation{Starts: []time.Time{}, Rules: []RuleWindows{}}
	topic := cl.Topics().Events
	starts, err := cl.StartOffsets(ctx, topic)
	if err != nil {
		return x, err
	}
	start := starts[partitionNumber]
	if start > offset {
		x.Why = "retention has deleted its record from the log"
		return x, nil
	}
	sets, err := readRuleSets(ctx, cl)
	if err != nil {
		return x, err
	}
	set, err := sets.inForce(partitionNumber, start)
	if err != nil {
		return x, err
	}
	in := reading{partitions: int32(len(starts)), sets: sets}
	hashKey, err := cl.HashKey(ctx)
	if err != nil {
		return x, err
	}
	p := windows.New(set, start, start > 0)
	p.KeyHashes(hashKey)
	err = cl.ReadLog(ctx, topic, broker.Offsets{partitionNumber: start}, broker.Offsets{partitionNumber: offset + 1},
		func(r *kgo.Record) error {
			if r.Offset == offset {
				return x.take(p, &in, r)
			}
			return in.take(p, r)
		})
	return x, err
}

// take lets p take the record and explains what became of it.
func (x *Explanation) take(p *windows.Partition, in *reading, r *kgo.Record) error {
	was := p.Counts()
	if w := p.Watermark(); w != windows.None {
		x.Watermark = w
	}
	if err := in.take(p, r); err != nil {
		return err
	}
	e, now := &in.event, p.Counts()
	taking := slices.DeleteFunc(p.Taking(e.Timestamp), func(t windows.Taking) bool { return !in.sets.counts(t.Rule, e.Type) })
	open, gone := 0, int64(0)
	for _, t := range taking {
		open, gone = open+len(t.Starts), gone+t.Gone
	}
	switch {
	case now.Events == was.Events:
		x.Why = "the record is no valid event"
	case now.Future > was.Future:
		x.Why = "it is too far ahead of the time when it was received (future)"
	case now.Late > was.Late:
		x.Why = fmt.Sprintf("it came when the watermark was at %s and its windows had closed (late)", x.Watermark)
	case now.Duplicates > was.Duplicates:
		x.Why = "it is a later copy of an event that counted"
	case now.UnrememberedProducts > was.UnrememberedProducts:
		x.Why = "its partition had more products at that time than are remembered"
	case len(taking) == 0:
		x.Why = "no rule in force counts events of its type"
	case open == 0:
		x.Why = "retention has cut the log before its windows"
	default:
		if gone > 0 {
			x.Why = fmt.Sprintf("the %d before had closed", gone)
		}
		for _, t := range taking {
			x.add(t)
		}
	}
	return nil
}

// add takes over the windows of a rule in which the event counted.
func (x *Explanation) add(t windows.Taking) {
	if len(t.Starts) == 0 {
		return
	}
	r := RuleWindows{Rule: t.Rule, Window: t.Window.Duration()}
	for _, s := range t.Starts {
		r.Starts = append(r.Starts, s.Time())
	}
	x.Starts = append(x.Starts, r.Starts...)
	x.Rules = append(x.Rules, r)
}
