package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"clickstream/ingest/shop"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

// demoView shows what a running demo does: alerts as they come, on standard
// output, and a status line with figures.
type demoView struct {
	t         *terminal
	s         *status
	p         *instance.Pipeline
	r         *instance.Roles
	generator *shop.Generator
	started   time.Time

	mu     sync.Mutex
	news   []event.Alert // not shown yet
	alerts int
}

func newDemoView(t *terminal, s *status, p *instance.Pipeline, r *instance.Roles, generator *shop.Generator) *demoView {
	return &demoView{t: t, s: s, p: p, r: r, generator: generator, started: time.Now()}
}

// alert is called by the processor with each alert in its topic.
func (v *demoView) alert(a event.Alert) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.news = append(v.news, a)
	v.alerts++
}

// show prints the alerts that are not shown yet. The windows of one product
// overlap, so its alerts with one status make one line.
func (v *demoView) show() {
	v.mu.Lock()
	news := v.news
	v.news = nil
	v.mu.Unlock()
	for len(news) > 0 {
		first, others := news[0], news[:0:0]
		last, windows := first, 0
		for _, a := range news {
			if a.ProductID == first.ProductID && a.Status == first.Status {
				last = a
				windows++
			} else {
				others = append(others, a)
			}
		}
		news = others
		mark := map[event.Status]string{event.Firing: "ALERT", event.Confirmed: "confirmed", event.Retracted: "retracted"}[first.Status]
		text := fmt.Sprintf("%-9s  %s  %s views and %s purchases from %s to %s UTC", mark, printable(last.ProductID), count(last.Views), count(last.Purchases),
			last.WindowStart.UTC().Format("15:04"), last.WindowEnd.UTC().Format("15:04"))
		if windows > 1 {
			text += fmt.Sprintf(", and in %d windows before", windows-1)
		}
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
	fmt.Fprintf(v.t.out, "%s events generated and %s stored, %d versions of alerts emitted, in %s\n",
		count(v.generator.Appended()), count(stored.Events), v.alerts, time.Since(v.started).Round(time.Second))
}
