package notifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/grace"
	"clickstream/processor/notifier/webhook"
)

// outage is a transport of receivers of which some do not answer.
type outage struct {
	mu      sync.Mutex
	down    map[string]bool // hosts
	hangs   map[string]bool // hosts; set before they are asked
	refuses map[string]bool // keys that are answered 500
	tries   map[string]int  // by host
	got     []string        // host and key
	at      map[string]time.Time
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	if o.hangs[r.URL.Host] {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	host, key := r.URL.Host, r.Header.Get("Idempotency-Key")
	o.tries[host]++
	if o.down[host] {
		return nil, errors.New("connection refused")
	}
	status := http.StatusOK
	if o.refuses[key] {
		status = http.StatusInternalServerError
	} else {
		o.got = append(o.got, host+" "+key)
		o.at[host+" "+key] = time.Now()
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// arrived is when a receiver got a notice.
func (o *outage) arrived(key string) (time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.at[key]
	return at, ok
}

// bench is senders with a ledger in memory, in simulated time.
type bench struct {
	*ledger
	t       *testing.T
	outage  *outage
	results map[string]broker.LedgerEntry
	offset  int64
}

func newBench(t *testing.T, receivers ...string) *bench {
	t.Helper()
	b := &bench{ledger: newLedger(), t: t, results: make(map[string]broker.LedgerEntry),
		outage: &outage{down: make(map[string]bool), refuses: make(map[string]bool), tries: make(map[string]int), at: make(map[string]time.Time)}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	b.own(ctx, 0)
	for _, name := range receivers {
		s := &sender{
			client: webhook.NewClient(webhook.Receiver{Name: name, Format: webhook.JSON, URL: "http://" + name + "/"}, b.outage),
			ledger: b.ledger, log: zerolog.Nop(), giveUp: DefaultGiveUp,
			ready: func(context.Context, int32) error { return nil },
			load: func(_ context.Context, _ int32, offset int64) (broker.LedgerEntry, error) {
				return broker.LedgerEntry{Body: fmt.Sprint(offset)}, nil
			},
			record: func(_ context.Context, _ int32, e *broker.LedgerEntry) error {
				b.outage.mu.Lock()
				defer b.outage.mu.Unlock()
				if _, twice := b.results[noticeKey(e)]; twice {
					t.Errorf("%s has two results", noticeKey(e))
				}
				b.results[noticeKey(e)] = *e
				return nil
			},
		}
		running.Go(func() {
			if err := s.run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return b
}

func (b *bench) intend(episode string, notice broker.Notice, receivers ...string) {
	for _, name := range receivers {
		b.offset++
		b.apply(0, b.offset, &broker.LedgerEntry{Kind: broker.LedgerIntent, At: time.Now(), EpisodeID: episode, ProductID: "p", Notice: notice, Receiver: name, Body: episode})
	}
}

func TestN1_AReceiverThatIsDownForAnHourDelaysNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "up", "down")
		b.outage.down["down"] = true
		began := time.Now()
		for n := range 60 {
			asked := time.Now()
			episode := fmt.Sprintf("e%02d", n)
			b.intend(episode, broker.NoticeFirst, "down", "up")
			time.Sleep(30 * time.Second)
			b.intend(episode, broker.NoticeEnd, "down", "up")
			time.Sleep(30 * time.Second)
			for _, key := range []string{"up " + episode + "/first", "up " + episode + "/end"} {
				if at, ok := b.outage.arrived(key); !ok || at.Sub(asked) > 31*time.Second {
					t.Errorf("%s came at %s, and was due at %s", key, at, asked)
				}
			}
		}
		synctest.Wait()
		if tries := b.outage.tries["down"]; tries < 60 || tries > 3*60*3 {
			t.Errorf("within %s a receiver that is down was tried %d times", time.Since(began), tries)
		}
		b.outage.mu.Lock()
		b.outage.down["down"] = false
		b.outage.mu.Unlock()
		back := time.Now()
		time.Sleep(2 * receiverPause)
		synctest.Wait()
		seen := make(map[string]int)
		for i, got := range b.outage.got {
			seen[got] = i + 1
		}
		for n := range 60 {
			first, end := seen[fmt.Sprintf("down e%02d/first", n)], seen[fmt.Sprintf("down e%02d/end", n)]
			if first == 0 || end == 0 || end < first {
				t.Errorf("episode %d: the first notice was number %d and the end number %d", n, first, end)
			}
		}
		if len(b.outage.got) != 240 {
			t.Errorf("%d notices came %s after it was back, want 240, each once", len(b.outage.got), time.Since(back))
		}
	})
}

// A receiver has 10 seconds to answer, and a notice is tried three times at once.
// A partition that is given up, as at a stop, does not wait for that.
func TestN1_AReceiverThatHangsDoesNotHoldUpAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "hangs")
		b.outage.hangs = map[string]bool{"hangs": true}
		b.intend("e", broker.NoticeFirst, "hangs")
		synctest.Wait()
		stopped := time.Now()
		within, cancel := context.WithTimeout(t.Context(), grace.Stop)
		defer cancel()
		b.disown(within, []int32{0})
		if took := time.Since(stopped); took != grace.Stop {
			t.Errorf("the partition was given up after %s, want %s", took, grace.Stop)
		}
		if len(b.results) > 0 {
			t.Errorf("a notice that was broken off is recorded: %v", b.results)
		}
	})
}

func TestN1_ANoticeThatAReceiverNeverTakesHoldsUpNoOtherAndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "up")
		b.outage.refuses["bad/first"] = true
		b.intend("bad", broker.NoticeFirst, "up")
		for n := range 100 {
			asked := time.Now()
			key := fmt.Sprintf("up e%02d/first", n)
			b.intend(fmt.Sprintf("e%02d", n), broker.NoticeFirst, "up")
			time.Sleep(15 * time.Minute)
			if at, ok := b.outage.arrived(key); !ok || at.Sub(asked) > receiverPause+5*time.Second {
				t.Errorf("%s came at %s, and was due at %s", key, at, asked)
			}
		}
		b.outage.mu.Lock()
		defer b.outage.mu.Unlock()
		bad := b.results["bad/first/up"]
		if bad.Outcome != broker.OutcomeFailed || !strings.HasPrefix(bad.Reason, "given up after 24h") || !strings.HasSuffix(bad.Reason, "; the last answer was 500") || bad.Attempts < 100 {
			t.Errorf("got %+v", bad)
		}
		if len(b.results) != 101 {
			t.Errorf("%d results", len(b.results))
		}
	})
}

func TestN1_BodiesInMemoryAreBounded(t *testing.T) {
	q := newQueue()
	body := strings.Repeat("b", 1<<20)
	for n := range 40 {
		e := broker.LedgerEntry{EpisodeID: fmt.Sprint(n), Notice: broker.NoticeFirst, Receiver: "r", Body: body}
		q.add(noticeKey(&e), 0, int64(n), &e)
	}
	if q.bodies > mostBodies || len(q.byKey) != 40 {
		t.Errorf("%d notices hold %d bytes", len(q.byKey), q.bodies)
	}
	for n := range 40 {
		q.remove(fmt.Sprintf("%d/first/r", n))
	}
	if q.bodies != 0 || q.partitions[0].Len() != 0 {
		t.Errorf("without notices %d bytes are held", q.bodies)
	}
}
