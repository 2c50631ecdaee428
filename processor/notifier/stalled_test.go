package notifier

import (
	"context"
	"maps"
	"net"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/processor/notifier/webhook"
)

// pausable are the connections and steps of a process that can be paused, as by
// SIGSTOP: nothing it has begun goes on meanwhile.
type pausable struct {
	mu     sync.Mutex
	paused chan struct{} // closed when it goes on; nil while it runs
}

func (p *pausable) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = make(chan struct{})
}

func (p *pausable) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.paused)
	p.paused = nil
}

func (p *pausable) wait() {
	p.mu.Lock()
	paused := p.paused
	p.mu.Unlock()
	if paused != nil {
		<-paused
	}
}

type pausableConn struct {
	net.Conn
	p *pausable
}

func (c pausableConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.p.wait()
	return n, err
}

func (c pausableConn) Write(b []byte) (int, error) {
	c.p.wait()
	return c.Conn.Write(b)
}

func (p *pausable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return pausableConn{c, p}, err
}

// A paused instance loses its partitions to another. When it goes on, in the
// middle of a notice, the notice comes again at most with the same bytes.
func TestN1_AnInstanceThatWakesUpLateSendsNothingElse(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	process := &pausable{}
	cfg := s.Broker.Config()
	cfg.Dial = process.dial
	stalled, err := New(Config{Broker: brokertest.OpenAt(t, cfg, broker.ProducerOptions()...), Receivers: []webhook.Receiver{box.receiver("webhook")}, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	sending := make(chan struct{})
	var once sync.Once
	stalled.at = func(step string) error {
		if step == stepSend {
			once.Do(func() {
				process.pause()
				close(sending)
			})
		}
		process.wait()
		return nil
	}
	first := testwait.Run(t, stalled.Run)
	s.emit(alert("p1", 0, event.Firing, 1))
	<-sending
	second := testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	s.settled(1) // after the first one's session
	s.emit(alert("p1", 0, event.Confirmed, 2), alert("p2", 0, event.Firing, 1))
	s.settled(3)
	before := box.keys()
	process.goOn()
	s.emit(alert("p2", 0, event.Retracted, 2), alert("p3", 0, event.Firing, 1))
	s.settled(5)
	first.Stop()
	second.Stop()
	want := map[string]int{alert("p2", 0, "", 0).ID + "/end": 1, alert("p3", 0, "", 0).ID + "/first": 1}
	maps.Copy(want, before)
	if got := box.keys(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for key, n := range before {
		if n != 1 {
			t.Errorf("%s came %d times while one was paused before it was sent", key, n)
		}
	}
}

// Two instances share the partitions, and one that stops leaves its to the other.
func TestN1_TwoInstancesSendEachNoticeOnce(t *testing.T) {
	s, box := newShop(t), newInbox(t)
	want := make(map[string]int)
	emit := func(window int) {
		for _, product := range []string{"p1", "p2", "p3", "p4", "p5", "p6"} {
			a := alert(product, window, event.Firing, 1)
			end := alert(product, window, event.Confirmed, 2)
			s.emit(a, end)
			want[a.ID+"/first"], want[a.ID+"/end"] = 1, 1
		}
	}
	first := testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	emit(0)
	second := testwait.Run(t, s.notifier(box.receiver("webhook")).Run)
	emit(1)
	testwait.Until(t, "both are members", func() bool {
		members, err := s.Broker.Members(testwait.Context(t), s.Broker.Group("notifier"))
		return err == nil && members[s.Broker.Group("notifier")] == 2
	})
	emit(2)
	first.Stop()
	members, err := s.Broker.Members(testwait.Context(t), s.Broker.Group("notifier"))
	if err != nil || members[s.Broker.Group("notifier")] != 1 {
		t.Errorf("after one has stopped the group has %v members (%v): its partitions wait for a session to end", members, err)
	}
	emit(3)
	s.settled(len(want))
	second.Stop()
	if got := box.keys(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
