package cli

import (
	"context"
	"sync/atomic"
	"time"

	"clickstream/ingest/shop"
	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// demoView shows what a running demo does: a line of figures, and each alert
// when it comes.
type demoView struct {
	s         *status
	r         *roles
	generator *shop.Generator

	started time.Time
	alerts  atomic.Int64
	records int64 // on the log, by the last look
	rate    float64
}

func newDemoView(s *status, r *roles, generator *shop.Generator) *demoView {
	return &demoView{s: s, r: r, generator: generator, started: time.Now()}
}

// alert is told by the processor of each alert in its topic.
func (v *demoView) alert(a event.Alert) {
	v.alerts.Add(1)
	mark := map[event.Status]string{event.Firing: "ALERT    ", event.Confirmed: "confirmed", event.Retracted: "retracted"}[a.Status]
	v.s.line("%s  %s  %s to %s UTC: %s views, %s purchases", mark, a.ProductID,
		a.WindowStart.UTC().Format("15:04"), a.WindowEnd.UTC().Format("15:04"), count(a.Views), count(a.Purchases))
}

// run shows figures until ctx ends.
func (v *demoView) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			v.s.clear()
			return
		case <-tick.C:
		}
		records, lag, err := v.look(ctx)
		if err != nil {
			continue // a role says so, or the next look is answered
		}
		now := time.Now()
		v.rate = float64(records-v.records) / now.Sub(last).Seconds()
		v.records, last = records, now
		stored := v.r.mirror.Stats()
		v.s.set("%s events/s   %s on the log   %s rows mirrored   lag %s   %s alerts",
			count(int64(v.rate)), count(records), count(stored.Events+stored.Alerts+stored.Rejected), count(lag), count(v.alerts.Load()))
	}
}

// look asks for the number of records on the log, and how many of them are not
// both mirrored and processed.
func (v *demoView) look(ctx context.Context) (records, lag int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	topic := v.r.pipeline.broker.Topics().Events
	ends, err := broker.EndOffsets(ctx, v.r.pipeline.client, topic)
	if err != nil {
		return 0, 0, err
	}
	stored := v.r.mirror.Stats().Stored[topic]
	for p, end := range ends {
		records += end
		lag += max(0, end-stored[p])
	}
	return records, max(lag, v.r.processor.Stats().Lag), nil
}

// summary is said at the end.
func (v *demoView) summary(t *terminal) {
	stored := v.r.mirror.Stats()
	t.say("%s events generated, %s rows mirrored, %s alert messages in %s",
		count(v.generator.Appended()), count(stored.Events+stored.Alerts+stored.Rejected), count(v.alerts.Load()), time.Since(v.started).Round(time.Second))
}
