package recount

import (
	"math"
	"time"
)

// Rule is the flash-sale rule: more views than ViewsOver and fewer purchases
// than PurchasesUnder in a window.
type Rule struct {
	ViewsOver, PurchasesUnder int
	Window, Slide, Lateness   time.Duration
}

// Window is a product and the time at which a window of it starts, in ms.
type Window struct {
	Product string
	Start   int64
}

// Final is what the log says of a window that has closed.
type Final struct {
	Views, Purchases int
	Confirmed        bool // it qualifies; otherwise it did, and no longer does
	Version          int64
}

// counts are the events of a window.
type counts struct {
	Final
	seen map[identity]bool
	ever bool // it has qualified
}

// partition counts the windows of one partition of the log, record by record in
// the order of their offsets.
type partition struct {
	rule Rule
	// The watermark, and what it is without ticks, in ms.
	watermark, eventWatermark int64
	lastValue                 int64 // the offset of the last record with a value
	open                      map[Window]*counts
	closed                    map[Window]Final
}

func newPartition(rule Rule) *partition {
	return &partition{
		rule: rule, watermark: math.MinInt64, eventWatermark: math.MinInt64, lastValue: -1,
		open: make(map[Window]*counts), closed: make(map[Window]Final),
	}
}

func (p *partition) event(e Event) {
	future := e.Timestamp > e.Received+5*time.Minute.Milliseconds()
	if e.Product != "" && (e.Type == "view" || e.Type == "purchase") && !future {
		slide, window := p.rule.Slide.Milliseconds(), p.rule.Window.Milliseconds()
		for start := e.Timestamp - e.Timestamp%slide; start > e.Timestamp-window; start -= slide {
			if p.watermark < start+window { // otherwise it is late
				p.count(Window{e.Product, start}, e)
			}
		}
	}
	p.lastValue = e.Offset
	p.eventWatermark = max(p.eventWatermark, min(e.Timestamp, e.Received)-p.rule.Lateness.Milliseconds())
	p.advance(p.eventWatermark, e.Offset)
}

func (p *partition) count(w Window, e Event) {
	c := p.open[w]
	if c == nil {
		c = &counts{seen: make(map[identity]bool)}
		p.open[w] = c
	}
	if c.seen[e.identity()] {
		return
	}
	c.seen[e.identity()] = true
	if e.Type == "view" {
		c.Views++
	} else {
		c.Purchases++
	}
	c.Confirmed = c.Views > p.rule.ViewsOver && c.Purchases < p.rule.PurchasesUnder
	c.ever = c.ever || c.Confirmed
}

func (p *partition) invalid(offset int64) { p.lastValue = offset }

// tick is a record that says that nothing came for so long after the offset.
func (p *partition) tick(offset, after, quiet int64) {
	if after == p.lastValue && p.eventWatermark != math.MinInt64 {
		p.advance(p.eventWatermark+quiet, offset)
	}
}

// advance moves the watermark and closes the windows that it passes.
func (p *partition) advance(to, offset int64) {
	if to <= p.watermark {
		return
	}
	// Windows end at multiples of the slide.
	slide := p.rule.Slide.Milliseconds()
	passed := p.watermark == math.MinInt64 || to/slide != p.watermark/slide
	p.watermark = to
	if !passed {
		return
	}
	for w, c := range p.open {
		if w.Start+p.rule.Window.Milliseconds() > p.watermark {
			continue
		}
		if c.ever {
			c.Version = offset + 1
			p.closed[w] = c.Final
		}
		delete(p.open, w)
	}
}

// unclosed says how many open windows have qualified.
func (p *partition) unclosed() (n int) {
	for _, c := range p.open {
		if c.ever {
			n++
		}
	}
	return n
}
