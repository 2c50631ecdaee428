package processor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Explanation says in which windows one event counted, or why in none.
type Explanation struct {
	// Watermark before the event's record; 0 before the first event.
	Watermark event.Millis `json:"watermark_ms"`
	// Starts of the windows it counted in, in order.
	Starts []time.Time   `json:"window_starts"`
	Window time.Duration `json:"-"`
	// Why it counted in none, or not in all of its windows.
	Why string `json:"why,omitempty"`
}

func (x Explanation) String() string {
	if len(x.Starts) == 0 {
		return "counted in no window: " + x.Why
	}
	var starts []string
	for _, s := range x.Starts {
		starts = append(starts, s.Format("15:04:05"))
	}
	text := fmt.Sprintf("counted in the windows of %s from %s UTC", x.Window, strings.Join(starts, ", "))
	if x.Why != "" {
		text += "; " + x.Why
	}
	return text
}

// Explain reads a partition of the log again up to the record at offset and
// says what that counted in, under the rule.
func Explain(ctx context.Context, cfg broker.Config, rule event.Rule, partitionNumber int32, offset int64) (Explanation, error) {
	x := Explanation{Window: rule.Window, Starts: []time.Time{}}
	cl, err := cfg.NewClient()
	if err != nil {
		return x, err
	}
	defer cl.Close()
	topic := cfg.Topics().Events
	starts, err := broker.StartOffsets(ctx, cl, topic)
	if err != nil {
		return x, err
	}
	start := starts[partitionNumber]
	if start > offset {
		x.Why = "retention has cut the log behind it"
		return x, nil
	}
	p := newPartition(rule, start, start > 0)
	in := reading{partitions: int32(len(starts))}
	err = broker.ReadLog(ctx, cfg, topic, broker.Offsets{partitionNumber: start}, broker.Offsets{partitionNumber: offset + 1},
		func(r *kgo.Record) error {
			if r.Offset == offset {
				x.take(p, &in, r)
			} else {
				in.take(p, r)
			}
			return nil
		})
	return x, err
}

// take lets p take the record and explains what became of it.
func (x *Explanation) take(p *partition, in *reading, r *kgo.Record) {
	open, was := p.open, p.counts
	if p.watermark != none {
		x.Watermark = p.watermark
	}
	in.take(p, r)
	e, now := &in.event, p.counts
	pane := floorDiv(int64(e.Timestamp), p.slide)
	first := pane - p.panes + 1
	from := max(first, open, p.judged)
	switch {
	case now.events == was.events:
		x.Why = "the record is no valid event"
	case now.future > was.future:
		x.Why = "it is too far ahead of the time when it was received (future)"
	case now.late > was.late:
		x.Why = fmt.Sprintf("it came when the watermark was at %s and its windows had closed (late)", x.Watermark)
	case now.duplicates > was.duplicates:
		x.Why = "it is a later copy of an event that counted"
	case e.Type != event.TypeView && e.Type != event.TypePurchase:
		x.Why = "the rule counts views and purchases only"
	case from > pane:
		x.Why = "retention has cut the log before its windows"
	default:
		if from > first {
			x.Why = fmt.Sprintf("the %d before had closed", from-first)
		}
		for k := from; k <= pane; k++ {
			x.Starts = append(x.Starts, p.start(k).Time())
		}
	}
}
