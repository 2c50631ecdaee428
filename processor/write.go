package processor

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// deliverWithin bounds an attempt to write. One that ends without an answer may
// have been written all the same.
const deliverWithin = 10 * time.Second

// attempt is a try to write records. Nobody waits for it but drain, so that a
// partition without a leader holds up no other.
type attempt struct {
	records []*kgo.Record
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // the first; read after done is closed
}

// emission is the alerts of a partition that are to be acknowledged.
type emission struct {
	alerts  []event.Alert
	records []*kgo.Record
	upTo    int64         // the log was counted up to this offset
	commit  broker.Commit // as it was there
	attempt *attempt

	failed   bool // at least one attempt has failed
	taken    bool // the last one has, and its result is known
	repeatAt time.Time
}

// mayRepeat says whether the alerts are to be written again now.
func (e *emission) mayRepeat() bool {
	if !e.taken || time.Now().Before(e.repeatAt) {
		return false
	}
	e.taken = false
	return true
}

// write begins to write records; when all are acknowledged, or one is given up,
// the poll under way ends.
func (s *session) write(ctx context.Context, records []*kgo.Record) *attempt {
	t := &attempt{done: make(chan struct{})}
	ctx, t.cancel = context.WithTimeout(ctx, deliverWithin)
	var mu sync.Mutex
	left := len(records)
	for _, r := range records {
		// The client would keep the context of a record's first attempt.
		r = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		t.records = append(t.records, r)
		s.out.Produce(ctx, r, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if t.err == nil {
				t.err = err
			}
			if left--; left == 0 {
				t.cancel()
				close(t.done)
				s.wake.now()
			}
		})
	}
	return t
}

func (t *attempt) ended() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *attempt) wait(ctx context.Context) {
	select {
	case <-t.done:
	case <-ctx.Done():
	}
}

// wake ends the poll under way, or the next one, when there is something to take.
type wake struct {
	mu     sync.Mutex
	end    context.CancelFunc
	wanted bool
}

// polls says what ends the poll that is about to begin.
func (w *wake) polls(end context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end = end; w.wanted {
		end()
	}
}

func (w *wake) now() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted = true; w.end != nil {
		w.end()
	}
}

// taken says that what there was is about to be taken.
func (w *wake) taken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = false
}
