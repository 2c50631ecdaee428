package ingest

import (
	"context"
	"errors"

	"clickstream/internal/broker"

	"github.com/rs/zerolog"
)

// NormaliserConfig is what a Normaliser needs.
type NormaliserConfig struct {
	Broker   broker.Config
	Producer *Producer // shared with others; not closed
	Log      zerolog.Logger
}

// Normaliser brings foreign producers' records from the data topic into the log.
type Normaliser struct{}

// NormaliserStats counts since the start.
type NormaliserStats struct{ Read, Accepted, Rejected int64 }

// NewNormaliser is being built.
func NewNormaliser(cfg NormaliserConfig) (*Normaliser, error) { return nil, errors.ErrUnsupported }

// Run works until ctx ends.
func (n *Normaliser) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Stats may be asked at any time.
func (n *Normaliser) Stats() NormaliserStats { return NormaliserStats{} }
