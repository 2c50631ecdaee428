package instance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clickstream/ingest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/jobs"
	"clickstream/processor"
	"clickstream/processor/notifier"
)

// RoleNames are the roles that Serve can run.
func RoleNames() []string { return append(DefaultRoles(), "notifier") }

// DefaultRoles are those that run where none are named. The notifier is one of
// them where there are receivers.
func DefaultRoles() []string {
	return []string{"collector", "normaliser", "mirror", "processor", "jobs"}
}

// CheckRoles refuses a role that does not exist.
func CheckRoles(roles []string) error {
	for _, role := range roles {
		if !slices.Contains(RoleNames(), role) {
			return fmt.Errorf("role %q is not known: give one or more of %s", role, strings.Join(RoleNames(), ","))
		}
	}
	return nil
}

// DefaultCollectorAddr is where the collector listens if it is free.
const DefaultCollectorAddr = "127.0.0.1:8080"

// ServeConfig says which roles to run and how.
type ServeConfig struct {
	Rules    *rules.Set     // put in force at the start; nil: what is in force on the log stays
	Location *time.Location // the shop's time zone
	Roles    []string       // default: DefaultRoles, and the notifier if there are receivers
	// CollectorAddr is the host:port that the collector listens on. By default
	// that is DefaultCollectorAddr or, where another program has that port, a
	// free one.
	CollectorAddr string
	// Limits of the collector; default those of ingest.CollectorConfig.
	CollectorBytes          int64
	CollectorClientRequests int
	CollectorMaxAge         time.Duration
	WriteKeys               map[string]string // of the collector's clients: name to secret
	Notify                  notifier.Config   // needs no Broker and no Log; without receivers no notifier runs
	OnAlert                 func(event.Alert) // may be nil; called for each alert that is acknowledged
	// StartTimeout is how long each role may wait at the start for what it
	// needs. 0 is without limit: the roles that have it run meanwhile.
	StartTimeout time.Duration
}

// Checked returns the ServeConfig with its defaults, or an error that says what
// is wrong with it.
func (c ServeConfig) Checked() (ServeConfig, error) {
	if len(c.Roles) == 0 {
		c.Roles = DefaultRoles()
		if len(c.Notify.Receivers) > 0 {
			c.Roles = append(c.Roles, "notifier")
		}
	}
	if err := CheckRoles(c.Roles); err != nil {
		return c, err
	}
	switch err := c.Notify.Check(); {
	case len(c.Notify.Receivers) == 0 && c.has("notifier"):
		return c, errors.New("the role notifier has no receiver: give --notify-webhook or --notify-slack")
	case len(c.Notify.Receivers) > 0 && err != nil:
		return c, err
	}
	if c.CollectorBytes != 0 && c.CollectorBytes < 64<<20 {
		return c, fmt.Errorf("collector-memory %d: give at least 64 (MiB): one client may use half of it, and a request of the largest size needs that much", c.CollectorBytes>>20)
	}
	if c.CollectorClientRequests < 0 {
		return c, fmt.Errorf("collector-client-requests %d: give a positive number", c.CollectorClientRequests)
	}
	if c.CollectorMaxAge < 0 {
		return c, fmt.Errorf("collector-max-age %s: give a positive duration, as in 720h", c.CollectorMaxAge)
	}
	if c.StartTimeout < 0 {
		return c, fmt.Errorf("start-timeout %s: give a positive duration, as in 5m, or 0 to wait without limit", c.StartTimeout)
	}
	if c.CollectorAddr == "" {
		return c, nil
	}
	if _, port, err := net.SplitHostPort(c.CollectorAddr); err != nil {
		return c, fmt.Errorf("collector-addr %q: give HOST:PORT", c.CollectorAddr)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return c, fmt.Errorf("collector-addr %q: the port is a number from 0 to 65535", c.CollectorAddr)
	}
	return c, nil
}

// has says whether a role is among those to run.
func (c ServeConfig) has(role string) bool { return slices.Contains(c.Roles, role) }

// BrokerOnly says that none of the roles needs ClickHouse.
func (c ServeConfig) BrokerOnly() bool { return !c.has("mirror") && !c.has("jobs") }

// roleMemory is what each role needs at most, in bytes, with room for the
// garbage collector; the collector has its own setting besides.
var roleMemory = map[string]int64{
	"collector": 256 << 20, "normaliser": 256 << 20, "mirror": 448 << 20, "processor": 768 << 20, "jobs": 128 << 20, "notifier": 128 << 20,
}

// Memory is what the roles need together at most, in bytes.
func (c ServeConfig) Memory() (total int64) {
	for _, role := range c.Roles {
		total += roleMemory[role]
	}
	if c.has("collector") {
		total += c.CollectorBytes
	}
	return total
}

// Serve starts the roles of a ServeConfig that Checked has returned, and
// publishes them in the instance's folder. It does not wait for them.
func (r *Roles) Serve(c ServeConfig) error {
	r.startWithin = c.StartTimeout
	r.mu.Lock()
	r.public = r.engines.folder != nil
	r.shown = r.engines.describe()
	r.shown.Timezone = c.Location.String()
	r.mu.Unlock()
	if err := r.publish(); err != nil {
		return err
	}
	r.rules = newRulesAtStart(c.Rules)
	r.Go("event log", r.watchLog)
	if c.has("collector") {
		r.runCollector(c)
	}
	if c.has("normaliser") {
		r.runNormaliser()
	}
	if c.has("processor") {
		if err := r.RunProcessor(processor.Config{OnAlert: c.OnAlert}); err != nil {
			return err
		}
	}
	if c.has("mirror") {
		r.RunMirror()
	}
	if c.has("notifier") {
		r.runNotifier(c.Notify)
	}
	if c.has("jobs") {
		r.runJobs(c.Location)
	}
	return nil
}

// runCollector starts the role collector. It listens from the start, and runs
// when the broker can be reached. Its address is the same after a restart.
func (r *Roles) runCollector(c ServeConfig) {
	cfg := ingest.CollectorConfig{Log: r.roleLog("collector"), Addr: c.CollectorAddr, WriteKeys: c.WriteKeys,
		MaxBytes: c.CollectorBytes, MaxClientRequests: c.CollectorClientRequests, MaxAge: c.CollectorMaxAge}
	r.Go("collector", func(ctx context.Context, running func()) error {
		cfg.Connect = func(ctx context.Context) (*ingest.Producer, error) {
			r.rules.wait(ctx)
			return ingest.NewProducer(ctx, r.broker, r.roleLog("producer"), ingest.ForRequests())
		}
		cfg.Connected = running
		collector, err := r.openCollector(cfg, DefaultCollectorAddr)
		if err != nil {
			return err
		}
		cfg.Addr = collector.Addr()
		url := "http://" + cfg.Addr + "/v1/events"
		r.AddURLs(map[string]string{"collector": url})
		r.log.Info().Str("url", url).Msg("the collector listens")
		return collector.Run(ctx)
	})
}

// openCollector listens on the address of cfg, or on the preferred one or a
// free port where cfg has none.
func (r *Roles) openCollector(cfg ingest.CollectorConfig, preferred string) (*ingest.Collector, error) {
	given := cfg.Addr
	if given == "" {
		cfg.Addr = preferred
	}
	collector, err := ingest.NewCollector(cfg)
	taken := errors.Is(err, syscall.EADDRINUSE)
	switch {
	case err == nil:
		return collector, nil
	case taken && given != "":
		return nil, permanent{fmt.Errorf("another program uses the port of %s: stop that program, or give another --collector-addr: %w", given, err)}
	case !taken:
		return nil, permanent{err}
	}
	cfg.Addr = "127.0.0.1:0"
	if collector, err = ingest.NewCollector(cfg); err == nil {
		r.log.Warn().Str("addr", collector.Addr()).Msgf("another program uses the port of %s: the collector listens on another port; --collector-addr chooses one", preferred)
	}
	return collector, err
}

func (r *Roles) runNormaliser() {
	r.Go("normaliser", func(ctx context.Context, running func()) error {
		r.rules.wait(ctx)
		// Not the collector's producer, so what the collector's clients do does
		// not affect the normaliser.
		producer, err := ingest.NewProducer(ctx, r.broker, r.roleLog("producer"), ingest.Bulk())
		if err != nil {
			return err
		}
		defer producer.Close()
		n, err := ingest.NewNormaliser(ingest.NormaliserConfig{
			Broker: r.broker, Producer: producer, OnGaps: r.onGaps("normaliser"), Log: r.roleLog("normaliser"),
		})
		if err != nil {
			return err
		}
		running()
		return n.Run(ctx)
	})
}

func (r *Roles) runJobs(zone *time.Location) {
	r.Go("jobs", func(ctx context.Context, running func()) error {
		tables, err := r.openTables(ctx)
		if err != nil {
			return err
		}
		log := r.roleLog("jobs")
		runner, err := jobs.New(jobs.Config{Warehouse: tables, Broker: r.broker, Location: zone, Log: log})
		if err != nil {
			return err
		}
		scheduler, err := jobs.NewScheduler(jobs.SchedulerConfig{Runner: runner, Log: log})
		if err != nil {
			return err
		}
		running()
		return scheduler.Run(ctx)
	})
}

// AddURLs adds URLs to the instance's description, each under its name.
func (r *Roles) AddURLs(urls map[string]string) {
	r.mu.Lock()
	all := maps.Clone(r.shown.URLs)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, urls)
	r.shown.URLs = all
	r.mu.Unlock()
	r.changed()
}

// URL returns the URL that was added under the name, or "".
func (r *Roles) URL(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown.URLs[name]
}

// changed publishes the roles' states. A folder that cannot be written to is no
// reason to stop the roles.
func (r *Roles) changed() {
	if err := r.publish(); err != nil {
		r.log.Warn().Err(err).Msg("the states of the roles could not be written: status shows the previous ones")
	}
}

func (r *Roles) publish() error {
	r.publishing.Lock()
	defer r.publishing.Unlock()
	r.mu.Lock()
	public, d := r.public, r.shown
	r.mu.Unlock()
	if !public {
		return nil
	}
	d.Roles = r.States()
	return r.engines.folder.publish(d)
}
