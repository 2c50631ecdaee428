package shop

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"clickstream/ingest"
	"clickstream/internal/event"
	"clickstream/internal/grace"
)

// Options say what shop to make up. The zero value of each field
// means its default.
type Options struct {
	Seed     uint64
	Start    time.Time     // time of the first events; default: now less 15 minutes
	Rate     float64       // events a second, about, without the flash sale's; default 20
	Products int           // default 600, and more from 20 events a second on: 30 × Rate
	Users    int           // default 5000
	NoSale   bool          // no flash sale
	SaleAt   time.Duration // when the flash sale starts, after Start; default 13m40s
	SaleFor  time.Duration // how long it lasts; default 30m
	SaleRate float64       // views of its product a minute; default 60
	Source   string        // default "generator"
}

func (o Options) withDefaults() Options {
	if o.Start.IsZero() {
		o.Start = time.Now().Add(-15 * time.Minute)
	}
	o.Start = o.Start.UTC().Truncate(time.Millisecond)
	if o.Rate == 0 {
		o.Rate = 20
	}
	if o.Products == 0 {
		o.Products = min(max(600, int(30*o.Rate)), maxProducts)
	}
	if o.Users == 0 {
		o.Users = 5000
	}
	if o.SaleAt == 0 {
		o.SaleAt = 13*time.Minute + 40*time.Second
	}
	if o.SaleFor == 0 {
		o.SaleFor = 30 * time.Minute
	}
	if o.SaleRate == 0 {
		o.SaleRate = 60
	}
	if o.Source == "" {
		o.Source = "generator"
	}
	return o
}

// validate reports everything that is wrong.
func (o Options) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !(o.Rate > 0 && o.Rate <= 100_000) {
		bad("rate is %g events a second: give more than 0, at most 100000", o.Rate)
	}
	if o.Products < 20 || o.Products > maxProducts {
		bad("products is %d: give 20 to 1000000", o.Products)
	}
	if o.Users < 1 || o.Users > 100_000_000 {
		bad("users is %d: give 1 to 100000000", o.Users)
	}
	if o.SaleAt < 0 || o.SaleFor < 0 {
		bad("the sale starts after %s and lasts %s: neither is negative", o.SaleAt, o.SaleFor)
	}
	if !(o.SaleRate > 0 && o.SaleRate <= 1_000_000) {
		bad("sale rate is %g views a minute: give more than 0, at most 1000000", o.SaleRate)
	}
	if y := o.Start.Year(); y < 2000 || y > 9000 {
		bad("start is %s: give a time from the year 2000 on", o.Start.Format(time.RFC3339))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("generator: %w", err)
	}
	return nil
}

const maxProducts = 1_000_000

// Generator makes up a shop's traffic: visitors view products, search, put
// things into their carts and buy some of them; they come back. One
// product is in a flash sale: many view it and nobody buys it. The events
// are a function of the options, of nothing else. One goroutine at a time may
// use it; Appended may be asked at any time.
type Generator struct {
	opts      Options
	rnd       *rand.Rand
	catalogue catalogue

	run      string // begins this run's ids
	made     int64
	sessions int64
	orders   int64

	visits  visits    // going on, the one whose next step is due first on top
	nextIn  float64   // ms after Start: when the next ordinary visitor comes
	nextFan float64   // when the next one comes for the sale
	pending *nextDone // an event that was made and not taken yet

	appended atomic.Int64
}

type nextDone struct{ e event.Event }

// New checks the options and makes up the catalogue.
func New(opts Options) (*Generator, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	g := &Generator{opts: opts, rnd: rand.New(rand.NewPCG(opts.Seed, 0x73686f70))}
	// Two runs, also of one seed, have ids of their own.
	h := fnv.New32a()
	fmt.Fprintf(h, "%d %s %g %d %d", opts.Seed, opts.Start.Format(time.RFC3339Nano), opts.Rate, opts.Products, opts.Users)
	g.run = fmt.Sprintf("%08x", h.Sum32())
	g.catalogue = makeCatalogue(opts.Products, opts.Rate*viewShare*600)
	g.nextIn = g.wait(opts.Rate / eventsPerVisit)
	g.nextFan = math.Inf(1)
	if !opts.NoSale {
		g.nextFan = float64(opts.SaleAt.Milliseconds())
	}
	return g, nil
}

// SaleProduct is the id of the product in the flash sale.
func (g *Generator) SaleProduct() string { return g.catalogue.sale().id }

// wait is the time to the next arrival, in ms, of so many a second.
func (g *Generator) wait(perSecond float64) float64 { return g.rnd.ExpFloat64() / perSecond * 1000 }

// Next returns the next event, in the order of time.
func (g *Generator) Next() event.Event {
	if g.pending != nil {
		e := g.pending.e
		g.pending = nil
		return e
	}
	for len(g.visits) == 0 || g.visits[0].due > min(g.nextIn, g.nextFan) {
		g.arrive()
	}
	v := g.visits[0]
	at := v.due
	e := g.step(v)
	if v.state == gone {
		heap.Pop(&g.visits)
	} else {
		heap.Fix(&g.visits, 0)
	}
	g.made++
	e.ID = "gen-" + g.run + "-" + strconv.FormatInt(g.made, 10)
	e.Timestamp = event.MillisOf(g.opts.Start) + event.Millis(at)
	e.Quantity = max(e.Quantity, 1)
	e.Source = g.opts.Source
	return e
}

// arrive starts the visit of the next visitor.
func (g *Generator) arrive() {
	v := &visit{order: g.sessions, user: g.returning(), device: devices[g.rnd.IntN(len(devices))]}
	g.sessions++
	v.session = "s-" + g.run + "-" + strconv.FormatInt(g.sessions, 10)
	if g.nextFan < g.nextIn {
		v.due, v.fan, v.state, v.product = g.nextFan, true, viewing, &g.catalogue.products[g.catalogue.onSale]
		g.nextFan += g.wait(g.opts.SaleRate / 60 * (1 - fanAgain))
		if g.nextFan > float64((g.opts.SaleAt + g.opts.SaleFor).Milliseconds()) {
			g.nextFan = math.Inf(1)
		}
	} else {
		v.due = g.nextIn
		v.views = 1 + int(g.rnd.ExpFloat64()*moreViews)
		g.nextIn += g.wait(g.opts.Rate / eventsPerVisit)
	}
	heap.Push(&g.visits, v)
}

// returning picks a visitor; some come much more often than others.
func (g *Generator) returning() string {
	u := int(float64(g.opts.Users) * math.Pow(g.rnd.Float64(), 1.6))
	return "u" + strconv.Itoa(100_000+u)
}

// Write gives write up to count events before until (0 and the zero time: no
// such limit), as fast as it takes them, and returns how many it has given.
func (g *Generator) Write(ctx context.Context, count int64, until time.Time, write func(*event.Event) error) (int64, error) {
	var n int64
	for ; count == 0 || n < count; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
		e := g.Next()
		if !until.IsZero() && e.Timestamp >= event.MillisOf(until) {
			g.pending = &nextDone{e}
			break
		}
		if err := write(&e); err != nil {
			return n, fmt.Errorf("write generated event %d: %w", n+1, err)
		}
	}
	return n, nil
}

// Run appends events when their time has come, those of the past at once,
// until ctx ends; then it waits for what is under way and returns nil.
func (g *Generator) Run(ctx context.Context, p *ingest.Producer) error {
	sending, cancel := grace.Context(ctx, grace.Stop)
	defer cancel()
	batch := p.Batch()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := g.Write(ctx, 0, time.Now(), func(e *event.Event) error {
			g.appended.Add(1)
			return batch.Append(sending, e)
		})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("generator: %w", err)
		}
		select {
		case <-ctx.Done():
			if err := batch.Wait(sending); err != nil {
				return fmt.Errorf("generator: %w", err)
			}
			return nil
		case <-tick.C:
		}
	}
}

// Appended is how many events Run has handed over.
func (g *Generator) Appended() int64 { return g.appended.Load() }
