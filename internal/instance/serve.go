package instance

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/event"
	"clickstream/jobs"
	"clickstream/processor"
)

// RoleNames are the roles that Serve can run.
func RoleNames() []string { return []string{"collector", "normaliser", "mirror", "processor", "jobs"} }

// ServeConfig says which roles to run and how.
type ServeConfig struct {
	Rule          event.Rule
	Location      *time.Location    // the shop's time zone
	Roles         []string          // default: all
	CollectorAddr string            // host:port
	WriteKeys     map[string]string // of the collector's clients: name to secret
	OnAlert       func(event.Alert) // may be nil; called for each alert that is acknowledged
}

// Checked is the ServeConfig with its defaults, or what is wrong with it.
func (c ServeConfig) Checked() (ServeConfig, error) {
	if len(c.Roles) == 0 {
		c.Roles = RoleNames()
	}
	for _, role := range c.Roles {
		if !slices.Contains(RoleNames(), role) {
			return c, fmt.Errorf("role %q is not known: give some of %s", role, strings.Join(RoleNames(), ","))
		}
	}
	if _, port, err := net.SplitHostPort(c.CollectorAddr); err != nil {
		return c, fmt.Errorf("collector-addr %q: give HOST:PORT", c.CollectorAddr)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return c, fmt.Errorf("collector-addr %q: the port is a number from 0 to 65535", c.CollectorAddr)
	}
	return c, nil
}

// Serve starts the roles of a ServeConfig that Checked has returned.
func (r *Roles) Serve(c ServeConfig) error {
	has := func(role string) bool { return slices.Contains(c.Roles, role) }
	if has("mirror") {
		if err := r.RunMirror(); err != nil {
			return err
		}
	}
	if has("processor") {
		if err := r.RunProcessor(processor.Config{Rule: c.Rule, OnAlert: c.OnAlert}); err != nil {
			return err
		}
	}
	if has("jobs") {
		log := r.log("jobs")
		runner := &jobs.Runner{Warehouse: r.Pipeline.Warehouse, Broker: r.Pipeline.Broker, Location: c.Location, Log: log}
		scheduler := &jobs.Scheduler{Runner: runner, Log: log}
		r.Run("jobs", scheduler.Run)
	}
	if has("normaliser") {
		producer, err := r.NewProducer(ingest.Bulk())
		if err != nil {
			return err
		}
		n, err := ingest.NewNormaliser(ingest.NormaliserConfig{Broker: r.Pipeline.Broker, Producer: producer, Log: r.log("normaliser")})
		if err != nil {
			return err
		}
		r.Run("normaliser", n.Run)
	}
	if has("collector") {
		producer, err := r.NewProducer(ingest.ForRequests())
		if err != nil {
			return err
		}
		r.Collector, err = ingest.NewCollector(ingest.CollectorConfig{
			Producer: producer, Log: r.log("collector"), Addr: c.CollectorAddr, WriteKeys: c.WriteKeys,
		})
		if err != nil {
			return err
		}
		r.Run("collector", r.Collector.Run)
	}
	return nil
}

func (r *Roles) log(role string) zerolog.Logger {
	return r.Pipeline.Log.With().Str("role", role).Logger()
}
