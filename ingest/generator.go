package ingest

import (
	"context"
	"errors"
	"time"

	"clickstream/internal/event"
)

// GeneratorOptions says what shop to make up. The zero value of each field
// stands for its default.
type GeneratorOptions struct {
	Seed     uint64
	Start    time.Time     // time of the first events; default: now less 15 minutes
	Rate     float64       // events a second, about, without the flash sale's; default 20
	Products int           // default 600
	Users    int           // default 5000
	NoSale   bool          // no flash sale
	SaleAt   time.Duration // when the flash sale starts, after Start; default 13m40s
	SaleFor  time.Duration // how long it lasts; default 30m
	SaleRate float64       // views of its product a minute; default 60
	Source   string        // default "generator"
}

// Generator makes up a shop's traffic.
type Generator struct{}

// NewGenerator is being built.
func NewGenerator(opts GeneratorOptions) (*Generator, error) { return nil, errors.ErrUnsupported }

// SaleProduct is the id of the product in the flash sale.
func (g *Generator) SaleProduct() string { return "" }

// Next returns the next event, in the order of time.
func (g *Generator) Next() event.Event { return event.Event{} }

// Write gives write up to count events before until (0 and the zero time: no
// such limit), as fast as it takes them, and returns how many it has given.
func (g *Generator) Write(ctx context.Context, count int64, until time.Time, write func(*event.Event) error) (int64, error) {
	return 0, errors.ErrUnsupported
}

// Run appends events when their time has come, those of the past at once,
// until ctx ends.
func (g *Generator) Run(ctx context.Context, p *Producer) error { return errors.ErrUnsupported }

// Appended is how many events Run has appended.
func (g *Generator) Appended() int64 { return 0 }
