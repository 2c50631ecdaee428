package ingest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"clickstream/internal/broker"
)

// How often the broker is asked whether it can take records.
const (
	checkReady = 2 * time.Second
	checkDown  = 500 * time.Millisecond
)

// unready returns why events would not be accepted now, or "".
func (c *Collector) unready() string {
	p := c.producer.Load()
	switch {
	case c.stopping.Load():
		return "the collector is stopping"
	case p == nil:
		return "the broker has not answered yet"
	case c.down.Load():
		return "the broker cannot take events now"
	case p.full():
		return "the broker takes events more slowly than they come"
	}
	return ""
}

func (c *Collector) readyz(w http.ResponseWriter, _ *http.Request) {
	if reason := c.unready(); reason != "" {
		refuse(w, http.StatusServiceUnavailable, reason)
		return
	}
	fmt.Fprintln(w, "ready")
}

// lookAtBroker is called after a request that was not acknowledged: later
// requests are refused at once until the broker has answered.
func (c *Collector) lookAtBroker() {
	c.down.Store(true)
	select {
	case c.suspect <- struct{}{}:
	default:
	}
}

// watchBroker connects to the broker and keeps down up to date, until ctx ends.
func (c *Collector) watchBroker(ctx context.Context) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		wait := checkReady
		if !c.ask(ctx) {
			wait = checkDown
		}
		select {
		case <-ctx.Done():
		case <-c.suspect:
		case <-time.After(wait):
		}
	}
	return nil
}

// ask says whether the broker can take records, and sets down.
func (c *Collector) ask(ctx context.Context) bool {
	asking, cancel := context.WithTimeout(ctx, checkReady)
	defer cancel()
	err := c.producer.Load().check(asking)
	if ctx.Err() != nil {
		return false
	}
	if was := c.down.Swap(err != nil); err != nil && !was {
		c.cfg.Log.Warn().Err(err).Msg("collector: the broker cannot take events: requests are refused until it can")
	}
	return err == nil
}

// connect makes the producer where none is given. It returns an error that does
// not pass, or nil when there is a producer or ctx has ended.
func (c *Collector) connect(ctx context.Context) error {
	for warned := false; c.producer.Load() == nil && ctx.Err() == nil; {
		p, err := c.cfg.Connect(ctx)
		if err == nil {
			c.producer.Store(p)
			if c.cfg.Connected != nil {
				c.cfg.Connected()
			}
			return nil
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // to be stopped is no failure
		}
		if broker.Classify(err) != broker.Retriable {
			return err
		}
		if !warned {
			c.cfg.Log.Warn().Err(err).Msg("collector: the broker is unreachable: requests are refused until it answers")
		}
		warned = true
		select {
		case <-ctx.Done():
		case <-time.After(checkDown):
		}
	}
	return nil
}
