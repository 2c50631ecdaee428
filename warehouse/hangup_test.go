package warehouse_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/rs/zerolog"

	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
)

// The engine of a running instance does not end because a command is stopped
// while it asks. It would do so within five seconds.
func TestQueriesThatAreBrokenOffDoNotEndTheEmbeddedClickHouse(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { server.Kill(); server.Close() }()
	cfg := warehouse.Config{Addr: []string{server.TCPAddr()}, User: embedded.User, Password: server.Credentials().Password}
	for n := range 200 {
		w, err := warehouse.Open(t.Context(), cfg, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		client, err := w.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// At any moment of a query.
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n*20)*time.Microsecond)
		var rows uint64
		_ = w.Conn().QueryRow(ctx, "SELECT count() FROM numbers(1000)").Scan(&rows)
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), time.Duration(n*20)*time.Microsecond)
		_ = warehouse.Do(ctx, client, ch.Query{Body: "CREATE TABLE IF NOT EXISTS clickstream.t (a UInt8) ENGINE = Null"})
		cancel()
		_ = client.Close()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-server.Done():
		t.Errorf("the engine ended: %v", server.Err())
	case <-time.After(6 * time.Second):
	}
}

// Close ends a read that is under way, and what the server still sends is read.
func TestAConnectionThatIsClosedReadsWhatIsStillAnswered(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	h := warehouse.NewHangups(time.Minute)
	conn, err := h.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read under way ends with %v, want net.ErrClosed", err)
	}
	if n, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the server reads %d bytes and %v, want the end", n, err)
	}
	for range 16 { // more than the network holds by itself
		if _, err := server.Write(make([]byte, 1<<20)); err != nil {
			t.Fatalf("the server cannot send its answer: %v", err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	h.Wait()
	if err := conn.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a deadline of a closed connection: got %v, want net.ErrClosed", err)
	}
}
