package ingest

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/testwait"
)

func TestI1_ACollectorThatConnectsRefusesRequestsAndStops(t *testing.T) {
	c, address := startCollector(t, CollectorConfig{Log: zerolog.Nop(), Connect: func(ctx context.Context) (*Producer, error) {
		<-ctx.Done() // the broker is unreachable
		return nil, ctx.Err()
	}})
	status, header, text := post(t, address, goodEvent)
	if status != 503 || header.Get("Retry-After") != "5" || !strings.Contains(text, "has not answered yet") {
		t.Errorf("%d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
	}
	if got := c.Stats(); got.Unavailable != 1 {
		t.Errorf("stats are %+v", got)
	}
	// That it ends, with nil, is checked at the test's end.
}

// A slowLog holds a request that was not stored up, until the collector has
// ended or a while has passed.
type slowLog struct {
	holds, ended chan struct{}
	early        chan bool // whether the collector ended first
}

func (l *slowLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("could not be stored")) {
		close(l.holds)
		select {
		case <-l.ended:
			l.early <- true
		case <-time.After(500 * time.Millisecond):
			l.early <- false
		}
	}
	return len(line), nil
}

func TestI1_ACollectorEndsAfterTheRequestsThatItGivesUp(t *testing.T) {
	log := &slowLog{holds: make(chan struct{}), ended: make(chan struct{}), early: make(chan bool, 1)}
	p := testProducer(t, smallRejected(t))
	c, err := NewCollector(CollectorConfig{Producer: p, Log: zerolog.New(log), AckTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	running := testwait.Run(t, func(ctx context.Context) error {
		defer close(log.ended)
		return c.Run(ctx)
	})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	sent := testwait.Run(t, func(ctx context.Context) error {
		// Its connection is closed without an answer.
		_, _, _, _ = tryPost(ctx, "http://"+c.Addr(), `{"x":"`+noise(8000)+`"}`)
		return nil
	})
	<-log.holds
	running.Stop()
	if <-log.early {
		t.Error("the collector ended while a request was worked on")
	}
	sent.Stop()
}
