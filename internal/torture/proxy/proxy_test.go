package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clickstream/internal/torture/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a proxy before a server that sends back each line, and that
// says which lines it got.
func start(t *testing.T) (*proxy.Proxy, <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.Start(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 16)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer conn.Close()
				for in := bufio.NewScanner(conn); in.Scan(); {
					got <- in.Text()
					_, _ = io.WriteString(conn, in.Text()+"\n")
				}
			})
		}
	})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		listener.Close()
		work.Wait()
	})
	return p, got
}

func dial(t *testing.T, p *proxy.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// answer reads a line, for at most so long.
func answer(t *testing.T, conn net.Conn, wait time.Duration) (string, error) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func wantAnswer(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	if got, err := answer(t, conn, time.Minute); err != nil || got != line+"\n" {
		t.Fatalf("the answer is %q, %v; want %q", got, err, line)
	}
}

func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, err := answer(t, conn, time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection goes on: %q, %v", got, err)
	}
}

func wantSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, err := answer(t, conn, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the answer is %q, %v; want none", got, err)
	}
}

func TestAProxyPassesLinesOnAndCutsConnections(t *testing.T) {
	p, _ := start(t)
	conn := dial(t, p)
	send(t, conn, "one")
	wantAnswer(t, conn, "one")
	p.Cut()
	wantEnd(t, conn)
	conn = dial(t, p)
	send(t, conn, "two")
	wantAnswer(t, conn, "two")
}

func TestARefusingProxyClosesConnectionsUntilItIsHealed(t *testing.T) {
	p, _ := start(t)
	p.Refuse()
	wantEnd(t, dial(t, p))
	p.Heal()
	conn := dial(t, p)
	send(t, conn, "three")
	wantAnswer(t, conn, "three")
}

func TestAHangingProxyPassesOnWhatItHasKept(t *testing.T) {
	p, got := start(t)
	conn := dial(t, p)
	p.Hang()
	send(t, conn, "four")
	wantSilence(t, conn)
	select {
	case line := <-got:
		t.Fatalf("the server got %q", line)
	default:
	}
	p.Heal()
	wantAnswer(t, conn, "four")
}

func TestASwallowedAnswerIsLostAndTheServersWorkIsDone(t *testing.T) {
	p, got := start(t)
	conn := dial(t, p)
	send(t, conn, "five")
	wantAnswer(t, conn, "five")
	<-got
	p.Swallow()
	send(t, conn, "six")
	if line := <-got; line != "six" {
		t.Fatalf("the server got %q", line)
	}
	wantSilence(t, conn)
	p.Heal()
	wantEnd(t, conn)
}

func TestADelayingProxyKeepsTheOrder(t *testing.T) {
	p, _ := start(t)
	p.Delay(20 * time.Millisecond)
	conn := dial(t, p)
	begun := time.Now()
	send(t, conn, "seven")
	wantAnswer(t, conn, "seven")
	if took := time.Since(begun); took < 40*time.Millisecond {
		t.Errorf("there and back took %s, want 40ms at least", took)
	}
}
