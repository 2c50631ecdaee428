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
at the first start), makes the tables, generates a shop's traffic with the last 15 minutes as history, and
runs every role. One product is in a flash sale: people look at it and do not buy. A second start goes on
with the folder's data.

Examples:
  clickstream demo
  clickstream demo --for 30s --data-dir /tmp/shop`
}

// A demo begins with the shop's last quarter of an hour. The flash sale has
// begun just so long before that its alert comes while people look on.
const (
	history    = 15 * time.Minute
	saleBefore = 95 * time.Second
	rushRate   = 240 // views a minute, else 60
)

func (c *demoCmd) Run(ctx context.Context, t *terminal) (err error) {
	cfg, zone, err := c.serveConfig()
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
	generator, err := newTraffic(ctx, p, traffic)
	if err != nil {
		return err
	}
	if err := c.show(ctx, t, s, p, cfg, generator, zone); err != nil {
		return err
	}
	if eng.Started() {
		fmt.Fprintf(t.out, "The data is in %s; the next start goes on with it.\n", c.DataDir)
	}
	return nil
}

// serveConfig checks the flags.
func (c *demoCmd) serveConfig() (cfg instance.ServeConfig, zone *time.Location, err error) {
	if cfg.Rule, err = c.rule(); err != nil {
		return cfg, nil, err
	}
	if zone, err = c.location(); err != nil {
		return cfg, nil, err
	}
	if c.For < 0 || c.Rate <= 0 {
		return cfg, nil, usagef("for is %s and rate is %g: give a duration, as in 30s, and a rate above 0", c.For, c.Rate)
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
		// There is less history than that: the sale makes up for it.
		traffic.SaleAt, traffic.SaleRate = time.Millisecond, rushRate
	}
	return shop.New(traffic)
}

// show runs the roles and the traffic, and shows them until ctx ends. The
// traffic ends first, and what it has put on the log is stored.
func (c *demoCmd) show(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, cfg instance.ServeConfig, generator *shop.Generator, zone *time.Location) error {
	r := p.NewRoles(context.WithoutCancel(ctx))
	defer func() { _ = r.Stop() }()
	open, closeShop := context.WithCancel(r.Context())
	defer closeShop()
	defer context.AfterFunc(ctx, closeShop)()
	shown := newDemoView(t, s, p, r, generator)
	cfg.OnAlert = shown.alert
	if err := r.Serve(cfg); err != nil {
		return r.Explain(err)
	}
	producer, err := r.NewProducer()
	if err != nil {
		return r.Explain(err)
	}
	shut := make(chan struct{})
	shutOnce := sync.OnceFunc(func() { close(shut) })
	r.Go("generator", func(_ context.Context, running func()) error {
		running()
		err := generator.Run(open, producer)
		if err == nil {
			shutOnce()
		}
		return err
	})
	r.WaitStarted(ctx)
	if err := r.Context().Err(); err != nil {
		return r.Explain(err)
	}
	links, err := c.links(p, r)
	if err != nil {
		return r.Explain(err)
	}
	r.AddLinks(links.byName())
	c.introduce(t, links, generator, jobs.DayOf(time.Now(), zone))

	shown.run(open)
	// What is not stored within the grace is stored by the next command.
	last, cancel := context.WithTimeout(r.Context(), grace.Stop)
	defer cancel()
	select {
	case <-shut:
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

// introduce prints what there is to look at.
func (c *demoCmd) introduce(t *terminal, links links, generator *shop.Generator, today jobs.Day) {
	fmt.Fprintln(t.out)
	for _, l := range links {
		fmt.Fprintf(t.out, "  %-18s %s\n", l.what, l.url)
	}
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

type link struct{ name, what, url string }

type links []link

func (ls links) byName() map[string]string {
	m := map[string]string{}
	for _, l := range ls {
		m[l.name] = l.url
	}
	return m
}

// links opens what there is to look at.
func (c *demoCmd) links(p *instance.Pipeline, r *instance.Roles) (links, error) {
	found := links{{"collector", "send events to", r.Link("collector")}}
	server := p.EmbeddedClickHouse()
	if server == nil {
		return found, nil // another ClickHouse's pages have another user
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
	return append(links{
		{"dashboard", "live charts", con.Shorten("live", con.DashboardURL(charts, grafana.LiveParams()))},
		{"play", "ask with SQL", con.Shorten("sql", con.PlayURL())},
	}, found...), nil
}
