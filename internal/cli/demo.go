package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/grafana"
	"clickstream/ingest/shop"
	"clickstream/internal/grace"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/warehouse/console"
	"clickstream/warehouse/embedded"
)

type demoCmd struct {
	For             time.Duration `placeholder:"DURATION" help:"Stop by itself after this long (default: go on until Ctrl-C)."`
	CollectorAddr   string        `placeholder:"HOST:PORT" help:"Where the collector listens; port 0 is a free one (default: ${collector}, or a free port if that one is in use)."`
	CollectorMaxAge time.Duration `default:"720h" placeholder:"DURATION" help:"How old an event may be when the collector receives it; older ones are rejected (${default})."`
	Rate            float64       `default:"20" help:"Events a second, about (${default})."`
	ruleFlags
	zoneFlag
	folderFlags
	engineFlags
}

func (demoCmd) Help() string {
	return `Starts an embedded broker and an embedded ClickHouse (installed through npm into the user's cache folder
at the first start), creates the tables, runs every role and generates a shop's traffic, beginning with the
last 15 minutes. One product is in a flash sale: many view it and nobody buys it. The next start in the same
folder continues with the data that is in it.

Examples:
  clickstream demo
  clickstream demo --for 30s --data-dir /tmp/shop`
}

// A demo begins with a quarter of an hour of history. The flash sale in it
// starts so long before now that its alert comes soon after the demo's start.
const (
	history    = 15 * time.Minute
	saleBefore = 95 * time.Second
	rushRate   = 240 // views a minute of a sale without history; else 60
)

func (c *demoCmd) Run(ctx context.Context, t *terminal) (err error) {
	cfg, zone, err := c.serveConfig(t)
	if err != nil {
		return err
	}
	traffic := shop.Options{Seed: uint64(time.Now().UnixNano()), Rate: c.Rate}
	if _, err := shop.New(traffic); err != nil {
		return usageError{err}
	}
	log := t.logger(c.LogLevel)
	s := t.status()
	s.line("starting the engines in %s", c.DataDir)
	eng, err := openEngines(ctx, t, &c.engineFlags, c.DataDir, instance.StartAlone, log)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	p, err := instance.OpenPipeline(ctx, eng, log)
	if err != nil {
		return err
	}
	defer p.Close()

	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	// Before the first event, so that it judges all of them on a new log.
	set, err := putRules(ctx, p, cfg.Rules)
	if err != nil {
		return err
	}
	generator, err := newTraffic(ctx, p, traffic)
	if err != nil {
		return err
	}
	if err := c.show(ctx, t, s, p, cfg, generator, zone, len(set.Rules()) > 1); err != nil {
		return err
	}
	if eng.Started() {
		fmt.Fprintf(t.out, "The data is in %s; the next start continues with it.\n", c.DataDir)
	}
	return nil
}

// serveConfig checks the flags.
func (c *demoCmd) serveConfig(t *terminal) (cfg instance.ServeConfig, zone *time.Location, err error) {
	if cfg.Rules, err = c.set(t.in); err != nil {
		return cfg, nil, err
	}
	if zone, err = c.location(); err != nil {
		return cfg, nil, err
	}
	if c.For < 0 || c.Rate <= 0 {
		return cfg, nil, usagef("for is %s and rate is %g: give a duration, as in 30s, and a rate above 0", c.For, c.Rate)
	}
	if err := c.check(); err != nil {
		return cfg, nil, err
	}
	cfg.Location, cfg.CollectorAddr, cfg.CollectorMaxAge = zone, c.CollectorAddr, c.CollectorMaxAge
	cfg, err = cfg.Checked()
	return cfg, zone, err
}

// newTraffic makes the generator of a demo that begins now.
func newTraffic(ctx context.Context, p *instance.Pipeline, traffic shop.Options) (_ *shop.Generator, err error) {
	if traffic.Start, err = trafficFrom(ctx, p, time.Now()); err != nil {
		return nil, err
	}
	if past := time.Since(traffic.Start); past > saleBefore {
		traffic.SaleAt = past - saleBefore
	} else {
		// The history is too short for that: more views a minute raise the alert
		// as soon.
		traffic.SaleAt, traffic.SaleRate = time.Millisecond, rushRate
	}
	return shop.New(traffic)
}

// show runs the roles and the traffic, and shows them until ctx ends. The
// traffic ends first, and what it has put on the log is stored.
func (c *demoCmd) show(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, cfg instance.ServeConfig, generator *shop.Generator, zone *time.Location, severalRules bool) error {
	r := p.NewRoles(context.WithoutCancel(ctx))
	defer func() { _ = r.Stop() }()
	open, closeShop := context.WithCancel(r.Context())
	defer closeShop()
	defer context.AfterFunc(ctx, closeShop)()
	shown := newDemoView(t, s, p, r, generator)
	shown.severalRules = severalRules
	cfg.OnAlert = shown.alert
	if err := r.Serve(cfg); err != nil {
		return r.Explain(err)
	}
	producer, err := r.NewProducer()
	if err != nil {
		return r.Explain(err)
	}
	ended := make(chan struct{}) // when all traffic is on the log
	endedOnce := sync.OnceFunc(func() { close(ended) })
	r.Go("generator", func(_ context.Context, running func()) error {
		running()
		err := generator.Run(open, producer)
		if err == nil {
			endedOnce()
		}
		return err
	})
	r.WaitStarted(ctx)
	if err := r.Context().Err(); err != nil {
		return r.Explain(err)
	}
	pages, err := openPages(p, r)
	if err != nil {
		return r.Explain(err)
	}
	r.AddURLs(urls(pages))
	c.introduce(t, pages, r.URL("collector"), generator, jobs.DayOf(time.Now(), zone))

	shown.run(open)
	// What is not stored within the grace is stored by the next command.
	last, cancel := context.WithTimeout(r.Context(), grace.Stop)
	defer cancel()
	select {
	case <-ended:
	case <-last.Done():
	}
	if err := p.WaitStored(last, nil); err != nil && last.Err() == nil {
		return r.Explain(err)
	}
	if err := r.Stop(); err != nil {
		return err
	}
	shown.summary()
	return nil
}

// introduce prints the addresses of a demo and commands to try.
func (c *demoCmd) introduce(t *terminal, pages []page, collector string, generator *shop.Generator, today jobs.Day) {
	fmt.Fprintln(t.out)
	for _, p := range pages {
		fmt.Fprintf(t.out, "  %-18s %s\n", p.label, p.url)
	}
	fmt.Fprintf(t.out, "  %-18s %s\n", "send events to", collector)
	fmt.Fprintf(t.out, "  %-18s %s alerts --follow%s\n", "in another shell", self(), c.inFolder())
	fmt.Fprintf(t.out, "  %-18s %s jobs run all --day %s%s; then jobs report %s\n", "today's reports", self(), today, c.inFolder(), today)
	fmt.Fprintf(t.out, "\nThe product in the flash sale is %s: an alert comes within a minute. Ctrl-C stops.\n\n", generator.SaleProduct())
}

// trafficFrom is when the traffic begins: a quarter of an hour ago, or where
// that of the last demo ended.
func trafficFrom(ctx context.Context, p *instance.Pipeline, now time.Time) (time.Time, error) {
	start := now.Add(-history)
	var last time.Time
	if err := p.Warehouse.Conn().QueryRow(ctx, query("demo_last"), clickhouse.DateNamed("from", start.UTC(), clickhouse.MilliSeconds)).Scan(&last); err != nil {
		return start, fmt.Errorf("read the end of the last demo: %w", err)
	}
	if last.Before(start) {
		return start, nil
	}
	return last.Add(time.Millisecond), nil
}

// inFolder is the flag that commands in another shell need.
func (c *demoCmd) inFolder() string {
	if c.DataDir == ".clickstream" {
		return ""
	}
	return " --data-dir " + c.DataDir
}

// page is a web page of a demo.
type page struct {
	name  string // in the instance's description
	label string // for people
	url   string
}

// urls are the pages' URLs by name.
func urls(pages []page) map[string]string {
	byName := map[string]string{}
	for _, p := range pages {
		byName[p.name] = p.url
	}
	return byName
}

// openPages starts the console and returns its pages. A ClickHouse that is not
// embedded has no user for them, so there are none.
func openPages(p *instance.Pipeline, r *instance.Roles) ([]page, error) {
	server := p.EmbeddedClickHouse()
	if server == nil {
		return nil, nil
	}
	con, err := console.Open(r.Context(), console.Options{
		ClickHouseHTTP: server.HTTPAddr(), User: embedded.GrafanaUser, Password: server.Credentials().GrafanaPassword,
		Database: p.ClickHouse.Database, Log: p.Log.With().Str("role", "console").Logger(),
	})
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}
	defer r.Go("console", func(ctx context.Context, running func()) error {
		running()
		return con.Run(ctx)
	})
	var charts []console.Chart
	live, err := grafana.LiveCharts()
	if err != nil {
		return nil, err
	}
	for _, chart := range live {
		charts = append(charts, console.Chart(chart))
	}
	return []page{
		{"dashboard", "live charts", con.Shorten("live", con.DashboardURL(charts, grafana.LiveParams()))},
		{"play", "query with SQL", con.Shorten("sql", con.PlayURL())},
	}, nil
}
