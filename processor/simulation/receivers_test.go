package simulation_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"clickstream/internal/simulation"
	"clickstream/processor/notifier/webhook"
)

// receivers are the HTTP servers that notices are sent to. Each fails at times.
type receivers struct {
	all    []*receiver
	ledger func() map[int32]int64 // where the ledger's partitions end now

	mu       sync.Mutex
	requests []request // in the order in which they came
}

// request is a notice that has come to a receiver.
type request struct {
	receiver, key, body string
	sent, at            time.Time       // by the instance; when it came
	ledger              map[int32]int64 // where the ledger's partitions ended then
	took                bool            // the receiver has the notice now
}

// receiver is one of them.
type receiver struct {
	webhook.Receiver
	addr   string
	server *http.Server
	ended  chan struct{}
	all    *receivers
	does   map[behaviour]int // how often each was begun and has not ended; under all.mu
}

// behaviour is how a receiver answers while it has a fault.
type behaviour string

const (
	isBroken  behaviour = "answers 503"
	isBusy    behaviour = "answers 429"
	losesAll  behaviour = "takes notices, and its answers are lost"
	refuses   behaviour = "refuses some notices for good"
	firstHook           = 8080
)

// startReceivers starts one of each format.
func startReceivers(n *simulation.Network, ledger func() map[int32]int64) (*receivers, error) {
	all := &receivers{ledger: ledger}
	for i, f := range []webhook.Format{webhook.JSON, webhook.Slack} {
		r := &receiver{addr: fmt.Sprint("localhost:", firstHook+i), ended: make(chan struct{}), all: all, does: make(map[behaviour]int)}
		r.Receiver = webhook.Receiver{Name: string(f), Format: f, URL: "http://" + r.addr + "/hook"}
		r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
		listener, err := n.Listen(r.addr)
		if err != nil {
			return nil, err
		}
		go func() {
			defer close(r.ended)
			_ = r.server.Serve(listener) // until close
		}()
		all.all = append(all.all, r)
	}
	return all, nil
}

func (all *receivers) close() {
	for _, r := range all.all {
		_ = r.server.Close() // which has nothing to save
		<-r.ended
	}
}

// named are the receivers as a notifier is told of them.
func (all *receivers) named() (named []webhook.Receiver) {
	for _, r := range all.all {
		named = append(named, r.Receiver)
	}
	return named
}

// came are all requests so far.
func (all *receivers) came() []request {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.requests
}

// ServeHTTP takes a notice, or does not.
func (r *receiver) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	body, err := io.ReadAll(hr.Body)
	if err != nil {
		return // the sender is gone
	}
	sent, err := time.Parse(time.RFC3339Nano, hr.Header.Get(headerSent))
	if err != nil {
		sent = time.Now()
	}
	came := request{receiver: r.Name, key: hr.Header.Get(webhook.HeaderKey), body: string(body), sent: sent, at: time.Now(), ledger: r.all.ledger()}
	r.all.mu.Lock()
	lost, status := r.does[losesAll] > 0, http.StatusOK
	switch {
	case r.does[isBroken] > 0:
		status = http.StatusServiceUnavailable
	case r.does[isBusy] > 0:
		status = http.StatusTooManyRequests
	case r.does[refuses] > 0 && refusable(came.key):
		status = http.StatusGone
	}
	came.took = status == http.StatusOK
	r.all.requests = append(r.all.requests, came)
	r.all.mu.Unlock()
	switch {
	case lost:
		panic(http.ErrAbortHandler)
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "7")
	}
	w.WriteHeader(status)
}

// refusable are some of the notices, the same at each try.
func refusable(key string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // which never fails
	return h.Sum32()%3 == 0
}

const headerSent = "Sent"

// stamping says in each request when it was sent: what a paused instance sends
// waits in the network.
type stamping struct{ *http.Transport }

func (t stamping) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(headerSent, time.Now().Format(time.RFC3339Nano))
	return t.Transport.RoundTrip(r)
}

// faults are those of a receiver and of the way to it.
func (all *receivers) faults(n *simulation.Network, say simulation.Sayf) []simulation.Fault {
	of := func(fault func(r *receiver) (end func())) func(*rand.Rand) func() {
		return func(draw *rand.Rand) func() {
			r := all.all[draw.IntN(len(all.all))]
			say("it is the receiver %s", r.Name)
			return fault(r)
		}
	}
	faults := []simulation.Fault{
		{Name: "a receiver is down", Weight: 3, Begin: of(func(r *receiver) func() {
			n.Down(r.addr)
			return func() { n.Up(r.addr) }
		})},
		{Name: "a receiver hangs", Weight: 2, Begin: of(func(r *receiver) func() {
			n.Hang(r.addr)
			return func() { n.GoOn(r.addr) }
		})},
	}
	for _, b := range []behaviour{isBroken, isBusy, losesAll, refuses} {
		faults = append(faults, simulation.Fault{Name: "a receiver " + string(b), Weight: 2, Begin: of(func(r *receiver) func() {
			r.add(b, 1)
			return func() { r.add(b, -1) }
		})})
	}
	return faults
}

func (r *receiver) add(b behaviour, n int) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.does[b] += n
}
