package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

func zipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestI3_SmallRequestsThatUnpackToManyEventsKeepMemoryBounded(t *testing.T) {
	_, p := newPipeline(t)
	c, address := startCollector(t, CollectorConfig{Producer: p})
	bomb := zipped(t, "["+strings.Repeat("1,", 5<<20-2)+"1]")
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ctx := testwait.Context(t)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			switch status, _, text, err := tryPost(ctx, address, bomb, "Content-Encoding", "gzip"); status {
			case 413, 429, 503:
			default:
				t.Errorf("%d %s %v", status, text, err)
			}
		})
	}
	group.Wait()
	runtime.ReadMemStats(&now)
	// The runtime never gives address space back, so this is the highest so far.
	if grown := int64(now.HeapSys) - int64(before.HeapSys); grown > 512<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	if c.limits.taken != 0 || len(c.limits.clients) != 0 {
		t.Errorf("%d bytes are held after the last request", c.limits.taken)
	}
}

func TestI3_ClientsThatSendSlowlyTakeNobodysPlace(t *testing.T) {
	_, p := newPipeline(t)
	c, address := startCollector(t, CollectorConfig{Producer: p, MaxRequests: 4})
	for range 40 {
		sendPart(t, address, strings.Repeat(" ", 1000), 1)
	}
	testwait.Until(t, "all requests hold their first bytes", func() bool {
		c.limits.mu.Lock()
		defer c.limits.mu.Unlock()
		return c.limits.taken == 40*4<<10
	})
	for range 20 {
		if status, _, text := post(t, address, goodEvent); status != 200 {
			t.Errorf("%d %s", status, text)
		}
	}
}

func TestI3_AClientHasItsShareAndNoMore(t *testing.T) {
	l := &limits{bytes: 100, clientBytes: 50, clientRequests: 2, clients: map[string]*holding{}}
	enter := func(clients ...string) *claim {
		t.Helper()
		c, refused := l.enter(clients...)
		if refused != nil {
			t.Fatal(refused.message)
		}
		return c
	}
	grow := func(c *claim, n int64, status int) {
		t.Helper()
		got := 0
		if refused := c.grow(n); refused != nil {
			got = refused.status
		}
		if got != status {
			t.Errorf("%d bytes are answered with %d, want %d", n, got, status)
		}
	}
	a, b := enter("address a", "key k"), enter("address a")
	grow(a, 30, 0)
	grow(b, 21, 429)
	grow(b, 20, 0)
	if _, refused := l.enter("address a"); refused == nil || refused.status != 429 {
		t.Errorf("a third request is answered with %v", refused)
	}
	other := enter("address b", "key k")
	grow(other, 21, 429) // with a's 30 of the same key
	third := enter("address c")
	grow(third, 50, 0)
	grow(other, 1, 503)
	for _, c := range []*claim{a, b, other, third} {
		c.leave()
	}
	if l.taken != 0 || len(l.clients) != 0 {
		t.Errorf("%d bytes and %d clients are left", l.taken, len(l.clients))
	}
}

func TestI1_WithoutABrokerRequestsAreRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	b, settings := brokertest.Start(t, dir)
	c, address := startCollector(t, CollectorConfig{Producer: testProducer(t, brokertest.OpenAt(t, settings)), AckTimeout: time.Hour})
	get := func(path string) int {
		resp, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	testwait.Until(t, "the collector is ready", func() bool { return get("/readyz") == 200 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "the collector is not ready", func() bool { return get("/readyz") == 503 })
	// With an hour's patience, this is an answer only if it comes at once.
	status, header, text := post(t, address, goodEvent)
	if status != 503 || header.Get("Retry-After") != "5" {
		t.Errorf("%d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
	}
	if status := get("/healthz"); status != 200 {
		t.Errorf("/healthz is answered with %d", status)
	}
	brokertest.StartAt(t, dir, b.Addr())
	testwait.Until(t, "the collector is ready again", func() bool { return get("/readyz") == 200 })
	if status, _, text := post(t, address, goodEvent); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	c.stopping.Store(true)
	if status := get("/readyz"); status != 503 {
		t.Errorf("a collector that is stopping answers /readyz with %d", status)
	}
}

func TestI1_AFullBufferRefusesRequestsAtOnce(t *testing.T) {
	_, p := newPipeline(t)
	_, address := startCollector(t, CollectorConfig{Producer: p, AckTimeout: time.Hour})
	p.room.take(bufferSize)
	defer p.room.give(bufferSize)
	if status, header, text := post(t, address, goodEvent); status != 503 || header.Get("Retry-After") != "5" {
		t.Errorf("%d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
	}
}

func TestI2_AnEventThatTheBrokerNeverTakesIsRejected(t *testing.T) {
	cfg := smallLog(t)
	p := testProducer(t, cfg)
	_, address := startCollector(t, CollectorConfig{Producer: p})
	status, _, text := post(t, address, "["+strings.ReplaceAll(tooLarge(), "c1", "large")+","+goodEvent+"]")
	if status != 200 || !strings.HasPrefix(text, `{"accepted":1,"rejected":[{"index":0,"reason":"`+string(event.ReasonRefused)+`"`) {
		t.Errorf("%d %.200s", status, text)
	}
	if got := brokertest.Events(t, cfg); len(got) != 1 || got[0].ID != "c1" {
		t.Errorf("%d events are on the log, want the good one", len(got))
	}
	if got := brokertest.Rejected(t, cfg); len(got) != 1 || got[0].Reason != event.ReasonRefused {
		t.Errorf("rejected are %d", len(got))
	}
}

func TestI1_AStopFinishesWhatWasBegun(t *testing.T) {
	cfg, p := newPipeline(t)
	c, err := NewCollector(CollectorConfig{Producer: p, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	begun := sendPart(t, c.Addr(), goodEvent, len(goodEvent)-1)
	testwait.Until(t, "the request has begun", func() bool {
		c.limits.mu.Lock()
		defer c.limits.mu.Unlock()
		return c.limits.taken == 4<<10
	})
	cancel()
	testwait.Until(t, "the collector is stopping", c.stopping.Load)
	if _, err := begun.Write([]byte("}")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := brokertest.Events(t, cfg); len(got) != 1 {
		t.Errorf("%d events are on the log, want that of the request under way", len(got))
	}
}

func TestACollectorEndsWhereTheBrokerRefusesIt(t *testing.T) {
	tries := 0
	c, err := NewCollector(CollectorConfig{Connect: func(context.Context) (*Producer, error) {
		if tries++; tries == 1 {
			return nil, kerr.LeaderNotAvailable // may pass
		}
		return nil, kerr.TopicAuthorizationFailed
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(testwait.Context(t)); !errors.Is(err, kerr.TopicAuthorizationFailed) || tries != 2 {
		t.Errorf("after %d tries Run returned %v", tries, err)
	}
}
