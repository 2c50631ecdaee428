package cli

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"clickstream/ingest/shop"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

// demoView shows what a running demo does: episodes of alerts as they come, on standard
// output, and a status line with figures.
type demoView struct {
	t         *terminal
	s         *status
	p         *instance.Pipeline
	r         *instance.Roles
	generator *shop.Generator
	started   time.Time
	// severalRules says that an alert may be of one of several rules: its line names
	// the rule then.
	severalRules bool

	episodes episodes // those that were shown

	mu     sync.Mutex
	news   []event.Alert // not shown yet
	alerts int
}

func newDemoView(t *terminal, s *status, p *instance.Pipeline, r *instance.Roles, generator *shop.Generator) *demoView {
	return &demoView{t: t, s: s, p: p, r: r, generator: generator, started: time.Now(), episodes: make(episodes)}
}

// alert is called by the processor with each alert in its topic.
func (v *demoView) alert(a event.Alert) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.news = append(v.news, a)
	v.alerts++
}

// show prints the episodes that have begun, or have another status, since the last
// time.
func (v *demoView) show() {
	v.mu.Lock()
	news := v.news
	v.news = nil
	v.mu.Unlock()
	changed := make(map[string]episode)
	var order []string
	for _, a := range news {
		e, other := v.episodes.take(a)
		if _, known := changed[e.ID]; other && !known {
			order = append(order, e.ID)
		}
		if other {
			changed[e.ID] = e
		}
	}
	for _, id := range order {
		e := changed[id]
		mark := map[string]string{"firing": "ALERT"}[e.Status]
		windows := "one window"
		if e.Windows > 1 {
			windows = fmt.Sprintf("the busiest of %d windows", e.Windows)
		}
		product := e.ProductID
		if v.severalRules {
			product += "  " + event.RuleName(e.Rule)
		}
		text := fmt.Sprintf("%-9s  %s  %s and %s in %s, from %s to %s UTC", cmp.Or(mark, e.Status), printable(product),
			plural(e.Views, "view"), plural(e.Purchases, "purchase"), windows, e.FirstWindow.UTC().Format("15:04"), e.LastWindowEnd.UTC().Format("15:04"))
		v.s.clear()
		fmt.Fprintln(v.t.out, text)
	}
}

// run shows alerts and figures until ctx ends.
func (v *demoView) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, before := time.Now(), int64(-1)
	for {
		select {
		case <-ctx.Done():
			v.s.clear()
			return
		case <-tick.C:
		}
		v.show()
		records, lag, err := v.progress(ctx)
		if err != nil {
			continue // the roles log it, and the next second tries again
		}
		now := time.Now()
		if before >= 0 {
			v.s.set("%s events/s   %s on the log   lag %s   %s events and %s alerts stored since the start",
				count(int64(float64(records-before)/now.Sub(last).Seconds())), count(records), count(lag),
				count(v.r.MirrorStats().Events), count(v.r.MirrorStats().Alerts))
		}
		before, last = records, now
	}
}

// progress returns the number of records on the log, and how many of them are
// not both stored by the mirror and counted by the processor.
func (v *demoView) progress(ctx context.Context) (records, lag int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	topic := v.p.Broker.Topics().Events
	ends, err := v.p.Broker.EndOffsets(ctx, topic)
	if err != nil {
		return 0, 0, err
	}
	stored := v.r.MirrorStats().Stored[topic]
	for p, end := range ends {
		records += end
		lag += max(0, end-stored[p])
	}
	return records, max(lag, v.r.Processor().Stats().Lag), nil
}

// summary prints the totals at the end.
func (v *demoView) summary() {
	v.show()
	stored := v.r.MirrorStats()
	fmt.Fprintf(v.t.out, "%s events generated and %s stored, %s of alerts emitted, in %s\n",
		count(v.generator.Appended()), count(stored.Events), plural(uint64(v.alerts), "version"), time.Since(v.started).Round(time.Second))
}
