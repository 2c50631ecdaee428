package windows

import "clickstream/internal/event"

// History is what the alerts topic says of the episodes of windows that had
// qualified where the alerts of a Partition that was resumed are acknowledged:
// all of them have an alert of a version up to there. Alerts of later versions
// are of an instance that was killed. The log says them again, and until it does
// no window joins theirs. It is used by one goroutine, which may be another one
// than the Partition's.
type History struct {
	from, upTo int64
	watermark  event.Millis
	episodes   episodes
}

// History is to be filled with alerts of the topic's partition that has the
// Partition's number, in their order, from its From on up to the end, and then
// given to Remember before the Partition takes a record.
func (p *Partition) History() *History {
	return &History{from: p.episodes.alertsEnd, upTo: p.acknowledged, watermark: p.watermark}
}

// From is the offset from which the alerts are to be taken.
func (h *History) From() int64 { return h.from }

// Take takes the alert at an offset.
func (h *History) Take(a event.Alert, offset int64) {
	start, window := event.MillisOf(a.WindowStart), event.MillisOf(a.WindowEnd)-event.MillisOf(a.WindowStart)
	if a.Version > h.upTo || a.EpisodeID == "" || h.watermark != None && start <= h.watermark-2*window {
		return
	}
	h.episodes.of(a.Rule, window).set(a.ProductID, start, a.EpisodeID, offset)
}

// Remember has windows join the episodes of the history.
func (p *Partition) Remember(h *History) {
	for definition, t := range h.episodes.byRule {
		to := p.episodes.of(definition, t.window)
		to.products, to.peak, to.written, to.from = t.products, t.peak, t.written, t.from
	}
}
