package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

// send writes a request for body and returns the connection, the answer unread.
func send(t *testing.T, address, body string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestI1_AClientThatHangsUpFailsNobodyElse(t *testing.T) {
	_, p := newPipeline(t)
	c, address := startCollector(t, CollectorConfig{Producer: p})
	good := make(chan error, 1)
	go func() { good <- postFifty(t.Context(), address) }()
	for i := 0; ; i++ {
		select {
		case err := <-good:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		before := c.Stats().Requests
		conn := send(t, address, strings.ReplaceAll(goodEvent, "c1", fmt.Sprintf("hang-up %d", i)))
		testwait.Until(t, "the collector has the request", func() bool { return c.Stats().Requests > before })
		conn.Close()
	}
}

// postFifty sends requests one after the other, and returns what was wrong with
// the answers.
func postFifty(ctx context.Context, address string) error {
	var errs []error
	for i := range 50 {
		body := strings.ReplaceAll(goodEvent, "c1", fmt.Sprintf("good %d", i))
		switch status, _, text, err := tryPost(ctx, address, body); {
		case err != nil:
			errs = append(errs, fmt.Errorf("request %d: %w", i, err))
		case status != 200:
			errs = append(errs, fmt.Errorf("request %d: %d %s", i, status, text))
		}
	}
	return errors.Join(errs...)
}

func TestI1_AContextThatEndsTakesNoOthersRecordsWithIt(t *testing.T) {
	dir := t.TempDir()
	b, settings := brokertest.Start(t, dir)
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	e := aView()
	if err := errors.Join(p.Append(testwait.Context(t), &e), p.Flush(testwait.Context(t))); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	// Both are of one partition.
	cancelled, cancel := context.WithCancel(testwait.Context(t))
	hungUp, other := p.Batch(), p.Batch()
	if err := errors.Join(hungUp.Append(cancelled, &e), other.Append(testwait.Context(t), &e)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := hungUp.Wait(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait returns %v", err)
	}
	brokertest.StartAt(t, dir, b.Addr())
	if err := other.Wait(testwait.Context(t)); err != nil {
		t.Errorf("the other's record is not acknowledged: %v", err)
	}
}

func TestI3_AFullBufferRefusesRequestsAndKeepsImportsWaiting(t *testing.T) {
	cfg := brokertest.Open(t)
	p, err := NewProducer(testwait.Context(t), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.room.take(bufferSize) // as if so much were under way
	e := aView()
	if err := p.requestBatch().Append(testwait.Context(t), &e); !errors.Is(err, errBufferFull) {
		t.Errorf("a request's batch returns %v", err)
	}
	ended, cancel := context.WithCancel(testwait.Context(t))
	cancel()
	if err := p.Append(ended, &e); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a context that has ended returns %v", err)
	}
	appended := make(chan error, 1)
	go func() { appended <- errors.Join(p.Append(testwait.Context(t), &e), p.Flush(testwait.Context(t))) }()
	testwait.Until(t, "a batch waits for room", func() bool { return p.room.waiting.Load() == 1 })
	p.room.give(bufferSize)
	if err := <-appended; err != nil {
		t.Error(err)
	}
	if free := p.room.free.Load(); free != bufferSize {
		t.Errorf("%d bytes of %d are free when all is acknowledged", free, bufferSize)
	}
}

// sendPart writes a request for body, but only the body's first n bytes.
func sendPart(t *testing.T, address, body string, n int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:n]); err != nil {
		t.Fatal(err)
	}
	return conn
}
