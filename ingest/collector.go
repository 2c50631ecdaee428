package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
)

// CollectorConfig is what a Collector needs. The zero value of each field but
// Producer stands for its default.
type CollectorConfig struct {
	Producer *Producer // shared with others; not closed
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

// Collector takes events over HTTP.
type Collector struct{}

// CollectorStats counts since the start.
type CollectorStats struct{ Requests, Accepted, Rejected, Unavailable int64 }

// NewCollector opens the listener; Run serves it and closes it.
func NewCollector(cfg CollectorConfig) (*Collector, error) { return nil, errors.ErrUnsupported }

// Addr is the host:port it listens on.
func (c *Collector) Addr() string { return "" }

// Run serves until ctx ends.
func (c *Collector) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Stats may be asked at any time.
func (c *Collector) Stats() CollectorStats { return CollectorStats{} }
