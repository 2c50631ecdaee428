package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/grafana"
	"clickstream/ingest/shop"
	"clickstream/jobs"
	"clickstream/warehouse/console"
	"clickstream/warehouse/embedded"
)

type demoCmd struct {
	For  time.Duration `placeholder:"DURATION" help:"Stop by itself after this long (default: go on until Ctrl-C)."`
	Rate float64       `default:"20" help:"Events a second, about (${default})."`
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
	opts := serveOptions{zoneFlag: c.zoneFlag, collectorAddr: "127.0.0.1:0"}
	if opts.rule, err = c.rule(); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	zone, err := c.location()
	if err != nil {
		return err
	}
	if c.For < 0 || c.Rate <= 0 {
		return usagef("for is %s and rate is %g: give a duration, as in 30s, and a rate above 0", c.For, c.Rate)
	}
	traffic := shop.Options{Seed: uint64(time.Now().UnixNano()), Rate: c.Rate}
	if _, err := shop.New(traffic); err != nil {
		return usageError{err}
	}
	log := t.logger(c.LogLevel)
	s := t.status()
	s.line("starting the engines in %s", c.DataDir)
	eng, err := openEngines(ctx, t, &c.engineFlags, c.DataDir, startAlone, log)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	p, err := openPipeline(ctx, eng, log)
	if err != nil {
		return err
	}
	defer p.close()

	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if traffic.Start, err = trafficFrom(ctx, p, time.Now()); err != nil {
		return err
	}
	if past := time.Since(traffic.Start); past > saleBefore {
		traffic.SaleAt = past - saleBefore
	} else {
		// There is less history than that: the sale makes up for it.
		traffic.SaleAt, traffic.SaleRate = time.Millisecond, rushRate
	}
	generator, err := shop.New(traffic)
	if err != nil {
		return err
	}
	// The traffic ends first, and what it has put on the log is stored.
	r := p.newRoles(context.WithoutCancel(ctx))
	defer func() { _ = r.stop() }()
	open, closeShop := context.WithCancel(r.ctx)
	defer closeShop()
	defer context.AfterFunc(ctx, closeShop)()
	shown := newDemoView(t, s, r, generator)
	opts.onAlert = shown.alert
	if err := r.serve(opts); err != nil {
		return r.explain(err)
	}
	producer, err := r.newProducer()
	if err != nil {
		return r.explain(err)
	}
	shut := make(chan struct{})
	r.run("generator", func(context.Context) error {
		defer close(shut)
		return generator.Run(open, producer)
	})
	links, err := c.links(r)
	if err != nil {
		return r.explain(err)
	}
	if err := eng.publish(opts.rule, links.byName()); err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }
	say("")
	for _, l := range links {
		say("  %-18s %s", l.what, l.url)
	}
	say("  %-18s %s alerts --follow%s", "in another shell", self(), c.inFolder())
	today := jobs.DayOf(time.Now(), zone)
	say("  %-18s %s jobs run all --day %s%s; then jobs report %s", "today's reports", self(), today, c.inFolder(), today)
	say("\nThe product in the flash sale is %s: an alert comes within a minute. Ctrl-C stops.\n", generator.SaleProduct())

	shown.run(open)
	<-shut
	last, cancel := context.WithTimeout(r.ctx, stopGrace)
	defer cancel()
	if err := p.stored(last, nil); err != nil && last.Err() == nil {
		return r.explain(err)
	}
	if err := r.stop(); err != nil {
		return err
	}
	shown.summary()
	if eng.started {
		say("The data is in %s; the next start goes on with it.", c.DataDir)
	}
	return nil
}

// trafficFrom is when the traffic begins: a quarter of an hour ago, or where
// that of the demo before ended.
func trafficFrom(ctx context.Context, p *pipeline, now time.Time) (time.Time, error) {
	start := now.Add(-history)
	var last time.Time
	if err := p.warehouse.Conn().QueryRow(ctx, query("demo_last"), clickhouse.DateNamed("from", start.UTC(), clickhouse.MilliSeconds)).Scan(&last); err != nil {
		return start, fmt.Errorf("look for the demo before: %w", err)
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
func (c *demoCmd) links(r *roles) (links, error) {
	found := links{{"collector", "send events to", "http://" + r.collector.Addr() + "/v1/events"}}
	eng := r.pipeline.engines
	if eng.ownClickHouse == nil {
		return found, nil // another ClickHouse's pages have another user
	}
	con, err := console.Open(r.ctx, console.Options{
		ClickHouseHTTP: eng.ownClickHouse.HTTPAddr(), User: embedded.GrafanaUser, Password: eng.ownClickHouse.Credentials().GrafanaPassword,
		Database: eng.clickhouse.Database, Log: r.roleLog("console"),
	})
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}
	defer r.run("console", con.Run)
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
