package mirror

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// Config of a Mirror.
type Config struct {
	Broker     broker.Config
	Warehouse  *warehouse.Warehouse
	Log        zerolog.Logger
	BatchRows  int           // default 100,000
	BatchDelay time.Duration // default 500 ms
}

// Stats are figures since New.
type Stats struct {
	Events   int64 `json:"events"`   // rows stored in event_log
	Alerts   int64 `json:"alerts"`   // in alert_log
	Rejected int64 `json:"rejected"` // in rejected_log
	Batches  int64 `json:"batches"`
	Poison   int64 `json:"poison"`  // records sent to the rejected topic
	Skipped  int64 `json:"skipped"` // records without a value
	Retries  int64 `json:"retries"` // inserts that were tried again
	// LastError is the last error that was waited for, or empty.
	LastError string `json:"last_error,omitempty"`
	// Stored is, by topic, the offset before which everything read is stored and committed.
	Stored map[string]broker.Offsets `json:"stored"`
}

// Mirror copies the log into the warehouse.
type Mirror struct{ cfg Config }

// New checks cfg; it does not connect.
func New(cfg Config) (*Mirror, error) { return &Mirror{cfg: cfg}, nil }

// Run mirrors until ctx ends.
func (m *Mirror) Run(ctx context.Context) error { return errors.New("not there yet") }

// Stats may be called at any time.
func (m *Mirror) Stats() Stats { return Stats{} }
