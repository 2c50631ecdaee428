package cli

import (
	"context"
	"time"

	"clickstream/internal/instance"
)

type serveCmd struct {
	Roles                   []string      `placeholder:"ROLE" help:"Roles to run: ${roles} (default: all, the notifier only where there are receivers)."`
	CollectorAddr           string        `placeholder:"HOST:PORT" help:"Where the collector listens; port 0 is a free one (default: ${collector}, or a free port if that one is in use)."`
	WriteKeysFile           string        `placeholder:"FILE" help:"File of write keys, a line each: NAME SECRET. A request must carry one of the secrets. Without a file, $$CLICKSTREAM_WRITE_KEYS holds the keys as NAME:SECRET,NAME:SECRET (default: no key is needed)."`
	CollectorMemory         int64         `default:"128" placeholder:"MIB" help:"Memory in MiB for all requests under way; one client may use half of it (${default})."`
	CollectorClientRequests int           `default:"256" placeholder:"N" help:"Requests that one client (an address or a write key) may have under way at once (${default})."`
	CollectorMaxAge         time.Duration `default:"720h" placeholder:"DURATION" help:"How old an event may be when the collector receives it; older ones are rejected (${default})."`
	StartTimeout            time.Duration `default:"0s" placeholder:"DURATION" help:"How long a role may wait at the start for its broker and its ClickHouse before serve ends with the error; 0s is without limit (${default})."`
	DataDir                 string        `default:".clickstream" placeholder:"DIR" help:"The instance's folder: data of embedded engines, addresses for other commands (${default})."`
	LogLevel                string        `enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
	ruleFlags
	notifyFlags
	zoneFlag
	engineFlags
}

func (serveCmd) Help() string {
	return `Runs until Ctrl-C or SIGTERM. Several instances share the work; give each a --data-dir of its own. A role whose
broker or ClickHouse is unreachable is started again until it is reachable; the other roles run meanwhile. At the
start --start-timeout limits that; a refused password or an untrusted certificate ends serve at once.
collector, normaliser, processor and notifier need no ClickHouse. clickstream status shows every role.

  collector   takes events over HTTP: POST /v1/events
  normaliser  appends the records of other producers to the log
  mirror      stores the log in ClickHouse
  processor   turns the log into alerts
  notifier    sends alerts to --notify-webhook and --notify-slack
  jobs        runs the daily jobs at their times

Examples:
  clickstream serve
  clickstream serve --roles mirror,processor --kafka-brokers redpanda:9092 --clickhouse-addr clickhouse:9000`
}

func (c *serveCmd) Run(ctx context.Context, t *terminal) (err error) {
	cfg := instance.ServeConfig{Roles: c.Roles, CollectorAddr: c.CollectorAddr,
		CollectorBytes: c.CollectorMemory << 20, CollectorClientRequests: c.CollectorClientRequests, CollectorMaxAge: c.CollectorMaxAge, StartTimeout: c.StartTimeout}
	if cfg.Rules, err = c.set(t.in); err != nil {
		return err
	}
	if cfg.Notify, err = c.notify(); err != nil {
		return err
	}
	if cfg.WriteKeys, err = writeKeys(c.WriteKeysFile); err != nil {
		return err
	}
	if cfg.Location, err = c.location(); err != nil {
		return err
	}
	if cfg, err = cfg.Checked(); err != nil {
		return usageError{err}
	}
	log := t.logger(c.LogLevel)
	if err := c.check(); err != nil {
		return err
	}
	engines := c.instance(t, c.DataDir, instance.StartAlone, log)
	engines.BrokerOnly = cfg.BrokerOnly()
	if len(engines.Kafka.Brokers) > 0 { // an embedded broker would be in this process, with its log
		limitMemoryTo(cfg.Memory())
	}
	eng, err := instance.Open(ctx, engines)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)

	r, err := eng.NewRoles(ctx, log)
	if err != nil {
		return err
	}
	defer func() { _ = r.Stop() }()
	if err := r.Serve(cfg); err != nil {
		return r.Explain(err)
	}
	r.WaitStarted(ctx)
	if r.Context().Err() == nil {
		log.Info().Strs("roles", cfg.Roles).Stringer("broker", eng.Kafka).Stringer("clickhouse", eng.ClickHouse).
			Str("timezone", c.Timezone).Msg("serving")
	}
	<-r.Context().Done()
	log.Info().Msg("stopping")
	if err := r.Stop(); err != nil {
		return err
	}
	if eng.Started() {
		log.Info().Str("data", c.DataDir).Msg("stopped; the next start continues with the data")
	} else {
		log.Info().Msg("stopped")
	}
	return nil
}
