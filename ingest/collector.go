package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/broker"
	"clickstream/internal/grace"
)

// CollectorConfig is what a Collector needs: a Producer or the way to one. The
// zero value of each other field stands for its default.
type CollectorConfig struct {
	Producer *Producer // best its own, with ForRequests; not closed
	// Connect makes the Producer, in place of one that is there from the start,
	// while the Collector runs: it listens, and is not ready, where the broker is
	// unreachable. After an error that may pass Connect is called again; with
	// another one Run ends. What it makes is closed at the end of Run. Connected,
	// which may be nil, is called once, when there is a Producer.
	Connect   func(context.Context) (*Producer, error)
	Connected func()

	Log  zerolog.Logger
	Addr string // to listen on; default 127.0.0.1:0, a free port

	// WriteKeys maps the name of each client to its secret. Without any,
	// everybody who reaches Addr may write, as "anonymous".
	WriteKeys map[string]string

	MaxBody     int64         // bytes of a request; default 5 MiB
	MaxUnpacked int64         // bytes of a gzip request unpacked; default 10 MiB
	MaxBatch    int           // events of a request; default 10,000
	MaxRequests int           // worked on at the same time, their bodies read; default 512
	AckTimeout  time.Duration // for the broker to take a request's events; default 5s
	MaxAge      time.Duration // of an event when it is received; default 30 days

	// What all requests under way may hold, unpacked bodies and events;
	// default 128 MiB. One client's, an address's or, of several, a write
	// key's, may hold half of it.
	MaxBytes int64
	// Requests of one client under way; default 256.
	MaxClientRequests int
}

const anonymous = "anonymous"

func (c CollectorConfig) withDefaults() CollectorConfig {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.MaxBody == 0 {
		c.MaxBody = 5 << 20
	}
	if c.MaxUnpacked == 0 {
		c.MaxUnpacked = 10 << 20
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = 10_000
	}
	if c.MaxRequests == 0 {
		c.MaxRequests = 512
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = 5 * time.Second
	}
	if c.MaxAge == 0 {
		c.MaxAge = 30 * 24 * time.Hour
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 128 << 20
	}
	if c.MaxClientRequests == 0 {
		c.MaxClientRequests = 256
	}
	return c
}

// validate reports everything that is wrong.
func (c CollectorConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if (c.Producer == nil) == (c.Connect == nil) {
		bad("no producer is given, or a producer and a way to another")
	}
	if c.MaxBody < 0 || c.MaxUnpacked < 0 || c.MaxBatch < 0 || c.MaxRequests < 0 || c.AckTimeout < 0 || c.MaxAge < 0 || c.MaxBytes < 0 || c.MaxClientRequests < 0 {
		bad("limits are not negative: body %d, unpacked %d, batch %d, requests %d, acknowledgement %s, age %s, bytes of all requests %d, requests of a client %d",
			c.MaxBody, c.MaxUnpacked, c.MaxBatch, c.MaxRequests, c.AckTimeout, c.MaxAge, c.MaxBytes, c.MaxClientRequests)
	}
	for name, secret := range c.WriteKeys {
		if name == "" || len(name) > 128 || secret == "" {
			bad("write key %q: give it a name of at most 128 bytes and a secret", name)
		}
	}
	return errors.Join(errs...)
}

// Collector takes events over HTTP: POST /v1/events with a JSON object, an
// array of them, or one object a line.
//
// An answer of 200 means that every accepted event is acknowledged by all
// in-sync replicas (I1); it lists the others by index and reason, and they are
// in the rejected topic (I2). 503 means that the broker did not take all of it
// in time: the client repeats the request. A repeated event is recognised by
// its id. One without an id gets it from the write key's name, its content and
// its index, so a client repeats a request as it was. One without a timestamp
// gets the time of receipt; a repeat then counts as another event.
//
// Memory is bounded by MaxBytes, some 50 KiB a connection, and the Producer's
// own (I3). A request holds what has arrived of it, not what it announces, and
// is worked on when all of it is there: a client that sends slowly holds its
// connection, for 30 seconds at most, and no other client's place. 429 means
// that the client itself has too much under way, 503 that all have, that the
// Producer's buffer is full, or that the broker cannot take records now.
//
// GET /healthz answers while the process lives, GET /readyz with 503 and the
// reason while events would not be accepted.
type Collector struct {
	cfg      CollectorConfig
	listener net.Listener
	keys     []writeKey
	limits   *limits
	producer atomic.Pointer[Producer] // nil until there is one
	slots    chan struct{}            // one in it for each request being worked on

	stopping atomic.Bool
	down     atomic.Bool   // the broker cannot take records, as far as is known
	suspect  chan struct{} // asks for a look at the broker at once

	requests, accepted, rejected, unavailable atomic.Int64
}

type writeKey struct {
	name   string
	secret [sha256.Size]byte
}

// CollectorStats counts since the start.
type CollectorStats struct {
	Requests    int64 // all to /v1/events
	Accepted    int64 // events
	Rejected    int64 // events
	Unavailable int64 // requests answered with 503
}

// NewCollector opens the listener; Run serves it and closes it.
func NewCollector(cfg CollectorConfig) (*Collector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	c := &Collector{
		cfg: cfg, slots: make(chan struct{}, cfg.MaxRequests), suspect: make(chan struct{}, 1),
		limits: &limits{
			bytes: cfg.MaxBytes, clientBytes: cfg.MaxBytes / 2, clientRequests: cfg.MaxClientRequests,
			clients: make(map[string]*holding),
		},
	}
	c.producer.Store(cfg.Producer)
	for name, secret := range cfg.WriteKeys {
		c.keys = append(c.keys, writeKey{name, sha256.Sum256([]byte(secret))})
	}
	var err error
	if c.listener, err = net.Listen("tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	return c, nil
}

// Addr is the host:port it listens on.
func (c *Collector) Addr() string { return c.listener.Addr().String() }

// Stats may be asked at any time.
func (c *Collector) Stats() CollectorStats {
	return CollectorStats{c.requests.Load(), c.accepted.Load(), c.rejected.Load(), c.unavailable.Load()}
}

// Run serves until ctx ends. It then takes no more requests, says so at
// /readyz, finishes those that it has begun, for as long as one waits for its
// acknowledgement, and returns nil.
func (c *Collector) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/events", c.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", c.readyz)
	group, running := errgroup.WithContext(ctx)
	// Requests outlive ctx, so that what was begun is answered.
	working, cancel := grace.Context(running, c.cfg.AckTimeout)
	defer cancel()
	server := &http.Server{
		Handler:           mux,
		BaseContext:       func(net.Listener) context.Context { return working },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30*time.Second + c.cfg.AckTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	group.Go(func() error {
		if err := server.Serve(c.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error { return c.watchBroker(working) })
	group.Go(func() error {
		<-running.Done()
		c.stopping.Store(true)
		defer cancel()
		return stop(working, server)
	})
	err := group.Wait()
	for range cap(c.slots) {
		c.slots <- struct{}{} // the last requests have ended, and none begins
	}
	if made := c.producer.Load(); made != nil && c.cfg.Connect != nil {
		made.Close()
	}
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	return nil
}

// stop ends the server when its requests are answered, or ctx ends.
func stop(ctx context.Context, server *http.Server) error {
	if server.Shutdown(ctx) == nil {
		return nil
	}
	// Somebody is slow; their request has not been answered, so they know.
	if err := server.Close(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// events answers POST /v1/events.
func (c *Collector) events(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	key, ok := c.client(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="write key"`)
		refuse(w, http.StatusUnauthorized, "give a valid write key in the header X-Write-Key or as the basic-auth user")
		return
	}
	if reason := c.unready(); reason != "" {
		c.unavailable.Add(1)
		refuse(w, http.StatusServiceUnavailable, reason+": repeat the request as it was")
		return
	}
	held, refused := c.limits.enter(c.sharers(r, key)...)
	if refused != nil {
		refuse(w, refused.status, refused.message)
		return
	}
	defer held.leave()
	answer, refused := c.request(w, r, key, held)
	if refused != nil {
		if refused.status == http.StatusServiceUnavailable {
			c.unavailable.Add(1)
		}
		refuse(w, refused.status, refused.message)
		return
	}
	c.accepted.Add(int64(answer.Accepted))
	c.rejected.Add(int64(len(answer.Rejected)))
	respond(w, http.StatusOK, answer)
}

// request reads a request and takes its events.
func (c *Collector) request(w http.ResponseWriter, r *http.Request, key string, held *claim) (answer, *refusal) {
	body, refused := c.body(w, r, held)
	if refused != nil {
		return answer{}, refused
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		return answer{}, &refusal{http.StatusTooManyRequests, "too many requests at once"}
	}
	texts, refused := split(body, c.cfg.MaxBatch)
	if refused == nil {
		refused = held.grow(int64(len(texts)) * eventOverhead)
	}
	if refused != nil {
		return answer{}, refused
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.AckTimeout)
	defer cancel()
	a, err := c.take(ctx, key, texts)
	if err == nil {
		return a, nil
	}
	if r.Context().Err() == nil && !errors.Is(err, errBufferFull) && broker.Classify(err) != broker.Invalid {
		c.lookAtBroker()
	}
	c.cfg.Log.Warn().Err(err).Str("write_key", key).Int("events", len(texts)).Msg("collector: a request could not be stored")
	return answer{}, &refusal{http.StatusServiceUnavailable, "the events could not be stored for certain: repeat the request as it was"}
}

// sharers are the clients that a request counts for.
func (c *Collector) sharers(r *http.Request, key string) []string {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	if len(c.keys) < 2 {
		return []string{"address " + address}
	}
	return []string{"address " + address, "key " + key}
}

// client says which write key a request comes under. All are compared, each in
// constant time, so that the time taken tells nothing.
func (c *Collector) client(r *http.Request) (name string, ok bool) {
	if len(c.keys) == 0 {
		return anonymous, true
	}
	given := r.Header.Get("X-Write-Key")
	if given == "" {
		given, _, _ = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(given))
	for _, k := range c.keys {
		if subtle.ConstantTimeCompare(sum[:], k.secret[:]) == 1 {
			name, ok = k.name, true
		}
	}
	return name, ok
}

// refusal is an answer to a request of which nothing was taken.
type refusal struct {
	status  int
	message string
}

// refuse says why nothing was taken, and where it helps to come again, when.
func refuse(w http.ResponseWriter, status int, message string) {
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	respond(w, status, map[string]string{"error": message})
}

func respond(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that does not read its answer repeats the request.
	_ = json.NewEncoder(w).Encode(answer)
}
