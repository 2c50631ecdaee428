package backtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// passed is a backtest of what read passes to a partition.
func passed(t *testing.T, set *rules.Set, read func(p *Partition)) Result {
	t.Helper()
	sets := []*rules.Set{set}
	r, err := Run(t.Context(), Config{Sets: sets, Span: SpanOf(nil, nil, sets), Zone: time.UTC, Source: Source{
		Portions: []Portion{{Records: 1}},
		Read: func(_ context.Context, _ Portion, p *Partition) error {
			read(p)
			return nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// view is a view at a time at which it is received.
func view(id, product string, at event.Millis) *event.Event {
	return &event.Event{ID: id, Type: event.TypeView, Timestamp: at, UserID: "u", ProductID: product, Quantity: 1}
}

const hour = event.Millis(3_600_000)

func TestNoticesAreOfEpisodesThatHaveBegunOrEndedAndOfRulesThatNotify(t *testing.T) {
	set, err := rules.New(time.Minute, []rules.Rule{
		{Name: "loud", When: "views > 5", Window: 10 * time.Minute, Slide: 5 * time.Minute, Notify: true},
		{Name: "still", When: "views > 5", Window: 10 * time.Minute, Slide: 5 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	offset := int64(0)
	six := func(p *Partition, product string, at event.Millis) {
		for i := range 6 {
			p.Event(view(fmt.Sprint(at, i), product, at), at, offset)
			offset++
		}
	}
	r := passed(t, set, func(p *Partition) {
		six(p, "over", evening)
		six(p, "firing", evening+hour) // its windows are open when the log ends
		p.look()
		six(p, "firing", evening+hour+1)
	})
	loud, still := r.Rules[0], r.Rules[1]
	if loud.Alerts != 4 || loud.Episodes != 2 || loud.Notices != 3 || loud.Retracted != 0 || !loud.Exact {
		t.Errorf("%+v, want a notice of two begins and of one end", loud)
	}
	if views := loud.Busiest[0].Views; views != 12 {
		t.Errorf("a window that fires has %d views, want 12", views)
	}
	if still.Alerts != 4 || still.Episodes != 2 || still.Notices != 0 {
		t.Errorf("%+v, want no notice", still)
	}
}

func TestW6_WhatIsNotRememberedMakesABacktestInexact(t *testing.T) {
	set := flashSale(t, smallRule)[0]
	const products = 1 << 17 // as many as are remembered of a minute
	count := func(more int) Result {
		return passed(t, set, func(p *Partition) {
			offset := int64(0)
			pass := func(e *event.Event) {
				p.Event(e, e.Timestamp, offset)
				offset++
			}
			for i := range 6 {
				pass(view(fmt.Sprint("hot", i), "hot", evening))
			}
			for i := range products - 1 + more {
				pass(view("e", fmt.Sprint("p", i), evening))
			}
			pass(view("closes", "other", evening+hour))
		})
	}
	if r := count(0); !r.Exact || r.Unremembered != 0 || !r.Rules[0].Exact || r.Rules[0].Alerts != 10 {
		t.Errorf("with as many products as are remembered: %+v", r)
	}
	if r := count(1); r.Exact || r.Unremembered != 1 || r.Rules[0].Exact || r.Rules[0].Alerts != 10 {
		t.Errorf("with one more: %+v", r)
	}
}
