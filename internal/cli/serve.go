package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/event"
	"clickstream/jobs"
	"clickstream/processor"
)

// roleNames are what serve can run.
var roleNames = []string{"collector", "normaliser", "mirror", "processor", "jobs"}

type serveCmd struct {
	Roles         []string `placeholder:"ROLE,…" help:"Roles to run: ${roles} (default: all)."`
	CollectorAddr string   `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the collector listens (${default}; port 0 is a free one)."`
	WriteKeysFile string   `placeholder:"FILE" help:"Write keys that clients have to give, a line each: NAME SECRET (default: whoever reaches the collector may write)."`
	DataDir       string   `default:".clickstream" placeholder:"DIR" help:"The instance's folder: data of embedded engines, addresses for other commands (${default})."`
	LogLevel      string   `enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
	ruleFlags
	zoneFlag
	engineFlags
}

func (serveCmd) Help() string {
	return `Runs until it is stopped, by Ctrl-C or SIGTERM. Several instances share the work.

  collector   takes events over HTTP: POST /v1/events
  normaliser  brings foreign producers' records into the log
  mirror      copies the log into ClickHouse
  processor   turns the log into alerts
  jobs        runs the daily jobs at their hours

Examples:
  clickstream serve
  clickstream serve --roles mirror,processor --kafka-brokers redpanda:9092 --clickhouse-addr clickhouse:9000`
}

func (c *serveCmd) Run(ctx context.Context, t *terminal) (err error) {
	opts := serveOptions{zoneFlag: c.zoneFlag, roles: c.Roles, collectorAddr: c.CollectorAddr}
	if opts.rule, err = c.rule(); err != nil {
		return err
	}
	if opts.writeKeys, err = readWriteKeys(c.WriteKeysFile); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	log := t.logger(c.LogLevel)
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

	r := p.newRoles(ctx)
	defer func() { _ = r.stop() }()
	if err := r.serve(opts); err != nil {
		return r.explain(err)
	}
	links := map[string]string{}
	if r.collector != nil {
		links["collector"] = "http://" + r.collector.Addr() + "/v1/events"
	}
	if err := eng.publish(opts.rule, links); err != nil {
		return err
	}
	log.Info().Strs("roles", opts.roles).Stringer("broker", eng.broker).Stringer("clickhouse", eng.clickhouse).
		Str("rule", opts.rule.String()).Str("timezone", opts.Timezone).Msg("serving")
	for _, name := range slices.Sorted(maps.Keys(links)) {
		log.Info().Str("url", links[name]).Msg(name)
	}
	<-r.ctx.Done()
	log.Info().Msg("stopping")
	if err := r.stop(); err != nil {
		return err
	}
	if eng.started {
		log.Info().Str("data", c.DataDir).Msg("stopped; the next start goes on with the data")
	} else {
		log.Info().Msg("stopped")
	}
	return nil
}

// serveOptions say which roles to run and how.
type serveOptions struct {
	zoneFlag
	rule          event.Rule
	roles         []string // empty: all
	collectorAddr string
	writeKeys     map[string]string
	onAlert       func(event.Alert)
}

func (o *serveOptions) check() error {
	if len(o.roles) == 0 {
		o.roles = roleNames
	}
	for _, role := range o.roles {
		if !slices.Contains(roleNames, role) {
			return usagef("role %q is not known: give some of %s", role, strings.Join(roleNames, ","))
		}
	}
	if _, port, err := net.SplitHostPort(o.collectorAddr); err != nil {
		return usagef("collector-addr %q: give HOST:PORT", o.collectorAddr)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return usagef("collector-addr %q: the port is a number from 0 to 65535", o.collectorAddr)
	}
	_, err := o.location()
	return err
}

// serve starts the roles.
func (r *roles) serve(o serveOptions) error {
	zone, err := o.location()
	if err != nil {
		return err
	}
	has := func(role string) bool { return slices.Contains(o.roles, role) }
	if has("mirror") {
		if err := r.runMirror(); err != nil {
			return err
		}
	}
	if has("processor") {
		if err := r.runProcessor(processor.Config{Rule: o.rule, OnAlert: o.onAlert}); err != nil {
			return err
		}
	}
	if has("jobs") {
		log := r.roleLog("jobs")
		runner := &jobs.Runner{Warehouse: r.pipeline.warehouse, Broker: r.pipeline.broker, Location: zone, Log: log}
		scheduler := &jobs.Scheduler{Runner: runner, Log: log}
		r.run("jobs", scheduler.Run)
	}
	if !has("collector") && !has("normaliser") {
		return nil
	}
	producer, err := r.newProducer()
	if err != nil {
		return err
	}
	if has("normaliser") {
		n, err := ingest.NewNormaliser(ingest.NormaliserConfig{Broker: r.pipeline.broker, Producer: producer, Log: r.roleLog("normaliser")})
		if err != nil {
			return err
		}
		r.run("normaliser", n.Run)
	}
	if has("collector") {
		r.collector, err = ingest.NewCollector(ingest.CollectorConfig{
			Producer: producer, Log: r.roleLog("collector"), Addr: o.collectorAddr, WriteKeys: o.writeKeys,
		})
		if err != nil {
			return err
		}
		r.run("collector", r.collector.Run)
	}
	return nil
}

func (r *roles) roleLog(role string) zerolog.Logger {
	return r.pipeline.log.With().Str("role", role).Logger()
}

// readWriteKeys reads the secrets that clients of the collector have to give.
func readWriteKeys(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("read the write keys: %w", err)
	}
	keys := map[string]string{}
	var errs []error
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case len(fields) != 2:
			errs = append(errs, fmt.Errorf("%s line %d: write NAME SECRET", file, i+1))
		case keys[fields[0]] != "":
			errs = append(errs, fmt.Errorf("%s line %d: the name %q stands there twice", file, i+1, fields[0]))
		default:
			keys[fields[0]] = fields[1]
		}
	}
	if len(keys) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s holds no write key: write NAME SECRET, or leave --write-keys-file out", file))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return keys, nil
}
