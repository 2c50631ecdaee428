//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ended waits until an engine that was not asked to has ended. After a failed
// handshake that takes some seconds.
func ended(t *testing.T, s *Server, why string) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatalf("the engine did not end by %s", why)
	}
	if s.Err() == nil {
		t.Errorf("no word of why the engine ended by %s", why)
	}
}

func restarted(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
		t.Fatalf("Done speaks of the engine before: %v", s.Err())
	default:
	}
	if err := s.Err(); err != nil {
		t.Errorf("Err speaks of the engine before: %v", err)
	}
}

// The library does not outlive a failed handshake on its native port. Should it
// learn to, there is less to do for Restart, and docs/operations.md is to be
// changed.
func TestRestartsAfterAFailedHandshake(t *testing.T) {
	s := startIn(t, t.TempDir())
	tcp, http := s.TCPAddr(), s.HTTPAddr()
	run(t, s, "CREATE DATABASE clickstream")
	run(t, s, "CREATE TABLE clickstream.event_log (id UInt64) ENGINE = MergeTree ORDER BY id")
	insert := func(id int) { run(t, s, fmt.Sprintf("INSERT INTO clickstream.event_log VALUES (%d)", id)) }
	insert(0)
	// Clients from before continue with new connections.
	before := native(t, s, User, s.Credentials().Password)
	if err := before.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	handshakes := []struct {
		why string
		try func() error
	}{
		{"a wrong password", func() error {
			c, err := clickhouse.Open(&clickhouse.Options{Addr: []string{tcp}, Auth: clickhouse.Auth{Username: User, Password: "wrong"}})
			if err != nil {
				return err
			}
			defer c.Close()
			if c.Ping(t.Context()) == nil {
				t.Error("a wrong password was let in")
			}
			return nil
		}},
		{"a browser's requests", func() error {
			return errors.Join(request(tcp, "GET"), request(tcp, "OPTIONS"))
		}},
	}
	for i, g := range handshakes {
		if err := g.try(); err != nil {
			t.Fatal(err)
		}
		ended(t, s, g.why)
		restarted(t, s)
		if s.TCPAddr() != tcp || s.HTTPAddr() != http {
			t.Errorf("after %s the engine is at %s and %s, was at %s and %s", g.why, s.TCPAddr(), s.HTTPAddr(), tcp, http)
		}
		insert(i + 1)
		if got, want := run(t, s, "SELECT count(), uniqExact(id) FROM clickstream.event_log"), fmt.Sprintf("%d\t%d", i+2, i+2); got != want {
			t.Errorf("rows and distinct ids after %s: %s, want %s", g.why, got, want)
		}
		var n uint64
		if err := before.QueryRow(t.Context(), "SELECT count() FROM clickstream.event_log").Scan(&n); err != nil || n != uint64(i+2) {
			t.Errorf("a client from before %s sees %d rows, %v", g.why, n, err)
		}
	}
	if err := s.Restart(t.Context()); err != nil || s.Err() != nil {
		t.Errorf("an engine that runs was not left alone: %v, %v", err, s.Err())
	}
}

// request sends an HTTP request and does not wait for an answer: not every
// method gets one.
func request(addr, method string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.WriteString(c, method+" / HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
	return err
}

func TestRestartWaitsForAPortThatIsTaken(t *testing.T) {
	s := startIn(t, t.TempDir())
	s.Kill()
	other, err := net.Listen("tcp4", s.TCPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Restart(canceled); err == nil || !strings.Contains(err.Error(), "taken its address "+s.TCPAddr()) {
		t.Errorf("a taken port is reported as %v", err)
	}
	if s.Err() == nil {
		t.Error("an engine that did not start again is not reported")
	}

	came := make(chan error, 1)
	go func() { came <- s.Restart(t.Context()) }()
	other.Close()
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	if got := run(t, s, "SELECT 1"); got != "1" {
		t.Errorf("SELECT 1 is %q", got)
	}
}

// Whichever comes first: after Close no engine is left, and its folder is free.
func TestCloseEndsARestart(t *testing.T) {
	dir := t.TempDir()
	for _, taken := range []bool{false, true} {
		s := startIn(t, dir)
		s.Kill()
		if taken { // for as long as the Restart lasts
			other, err := net.Listen("tcp4", s.HTTPAddr())
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
		}
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := s.Restart(t.Context()); err != nil && !errors.Is(err, errClosed) {
					t.Errorf("a Restart that Close ends: %v", err)
				}
			})
			all.Go(func() { _, _ = <-s.Done(), s.Err() })
		}
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		<-s.Done()
		if err := s.Err(); err != nil {
			t.Errorf("after Close: %v", err)
		}
		if err := s.Restart(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("Restart after Close: %v", err)
		}
		if !taken && answers(s.HTTPAddr()) {
			t.Error("the engine outlived Close")
		}
	}
	startIn(t, dir)
}
