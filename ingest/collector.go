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
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// CollectorConfig is what a Collector needs. The zero value of each field but
// Producer stands for its default.
type CollectorConfig struct {
	Producer *Producer // best its own, with ForRequests; not closed
	Log      zerolog.Logger
	Addr     string // to listen on; default 127.0.0.1:0, a free port

	// WriteKeys maps the name of each client to its secret. Without any,
	// everybody who reaches Addr may write, as "anonymous".
	WriteKeys map[string]string

	MaxBody     int64         // bytes of a request; default 5 MiB
	MaxUnpacked int64         // bytes of a gzip request unpacked; default 10 MiB
	MaxBatch    int           // events of a request; default 10,000
	MaxRequests int           // at the same time; default 32
	AckTimeout  time.Duration // for the broker to take a request's events; default 5s
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
		c.MaxRequests = 32
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = 5 * time.Second
	}
	return c
}

// validate reports everything that is wrong.
func (c CollectorConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Producer == nil {
		bad("no producer is given")
	}
	if c.MaxBody < 0 || c.MaxUnpacked < 0 || c.MaxBatch < 0 || c.MaxRequests < 0 || c.AckTimeout < 0 {
		bad("limits are not negative: body %d, unpacked %d, batch %d, requests %d, acknowledgement %s",
			c.MaxBody, c.MaxUnpacked, c.MaxBatch, c.MaxRequests, c.AckTimeout)
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
// Memory is bounded by MaxRequests × (MaxBody + MaxUnpacked), besides the
// Producer's own (I3).
type Collector struct {
	cfg      CollectorConfig
	listener net.Listener
	keys     []writeKey
	slots    chan struct{} // one in it for each request being worked on

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
	c := &Collector{cfg: cfg, slots: make(chan struct{}, cfg.MaxRequests)}
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

// Run serves until ctx ends; it then answers the requests it has begun and
// returns nil.
func (c *Collector) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/events", c.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	// Requests outlive ctx, so that what was begun is answered.
	working, cancel := Outlive(ctx)
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
	served := make(chan error, 1)
	go func() { served <- server.Serve(c.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("collector: %w", err)
	case <-ctx.Done():
	}
	err := server.Shutdown(working)
	if err != nil {
		// Somebody is slow; their request has not been answered, so they know.
		err = server.Close()
	}
	<-served //nolint:errcheck // Serve ends with Shutdown or Close
	if err != nil {
		return fmt.Errorf("collector: stop: %w", err)
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
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		refuseForNow(w, http.StatusTooManyRequests, "too many requests at once")
		return
	}
	body, refusal := c.body(w, r)
	if refusal != nil {
		refuse(w, refusal.status, refusal.message)
		return
	}
	texts, refusal := split(body, c.cfg.MaxBatch)
	if refusal != nil {
		refuse(w, refusal.status, refusal.message)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.AckTimeout)
	defer cancel()
	answer, err := c.take(ctx, key, texts)
	if err != nil {
		c.unavailable.Add(1)
		c.cfg.Log.Warn().Err(err).Str("write_key", key).Int("events", len(texts)).Msg("collector: a request could not be stored")
		refuseForNow(w, http.StatusServiceUnavailable, "the events could not be stored for certain: repeat the request as it was")
		return
	}
	c.accepted.Add(int64(answer.Accepted))
	c.rejected.Add(int64(len(answer.Rejected)))
	respond(w, http.StatusOK, answer)
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

func refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]string{"error": message})
}

func refuseForNow(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Retry-After", strconv.Itoa(1))
	refuse(w, status, message)
}

func respond(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that does not read its answer repeats the request.
	_ = json.NewEncoder(w).Encode(answer)
}
