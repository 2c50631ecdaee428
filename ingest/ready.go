package ingest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// How often the broker is asked whether it can take records.
const (
	checkReady = 2 * time.Second
	checkDown  = 500 * time.Millisecond
)

// unready is why events would not be accepted now, or "".
func (c *Collector) unready() string {
	switch {
	case c.stopping.Load():
		return "the collector is stopping"
	case c.down.Load():
		return "the broker cannot take events now"
	case c.cfg.Producer.full():
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

// lookAtBroker is for a request that was not acknowledged: the next ones are
// refused at once until the broker has answered.
func (c *Collector) lookAtBroker() {
	c.down.Store(true)
	select {
	case c.suspect <- struct{}{}:
	default:
	}
}

// watchBroker keeps down up to date until ctx ends.
func (c *Collector) watchBroker(ctx context.Context) {
	for {
		asking, cancel := context.WithTimeout(ctx, checkReady)
		err := c.cfg.Producer.check(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if was := c.down.Swap(err != nil); err != nil && !was {
			c.cfg.Log.Warn().Err(err).Msg("collector: the broker cannot take events: requests are refused until it can")
		}
		wait := checkReady
		if err != nil {
			wait = checkDown
		}
		select {
		case <-ctx.Done():
			return
		case <-c.suspect:
		case <-time.After(wait):
		}
	}
}
