package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/processor"
	"clickstream/processor/notifier"
	"clickstream/warehouse"
	"clickstream/warehouse/mirror"
)

// Roles are the supervised roles of one process. Each opens what it needs
// itself, so a role whose engine is unreachable does not keep others from
// starting.
type Roles struct {
	*Supervisor
	engines *Engines
	log     zerolog.Logger

	broker  *broker.Client
	opening sync.Mutex // held while tables are opened
	tables  *warehouse.Warehouse
	owned   bool // broker and tables are closed by Stop

	rules *rulesAtStart // of Serve

	producers []*ingest.Producer // of NewProducer; closed after all roles have ended

	mu         sync.Mutex
	identity   broker.LogIdentity // of the log that the first role found
	mirror     *mirror.Mirror
	processor  *processor.Processor
	public     bool // description is published
	shown      Description
	publishing sync.Mutex // one writer at a time, so that the newest is written last
}

// NewRoles starts no role yet, but keeps an embedded ClickHouse of this command
// running. The first role that needs the tables opens them.
func (e *Engines) NewRoles(ctx context.Context, log zerolog.Logger) (*Roles, error) {
	client, err := broker.Open(e.Kafka)
	if err != nil {
		return nil, err
	}
	r := e.newRoles(ctx, client, log)
	r.owned = true
	return r, nil
}

func (e *Engines) newRoles(ctx context.Context, client *broker.Client, log zerolog.Logger) *Roles {
	r := &Roles{engines: e, broker: client, log: log}
	r.Supervisor = newSupervisor(ctx, log, r.changed)
	if e.ownClickHouse != nil {
		r.Go("ClickHouse", r.keepClickHouse)
	}
	return r
}

// NewRoles is as that of Engines, with the pipeline's tables.
func (p *Pipeline) NewRoles(ctx context.Context) *Roles {
	r := p.newRoles(ctx, p.Broker, p.Log)
	r.tables = p.Warehouse
	return r
}

func (r *Roles) roleLog(role string) zerolog.Logger { return r.log.With().Str("role", role).Logger() }

// ensureTopics makes the topics that are missing and checks the others.
func (r *Roles) ensureTopics(ctx context.Context) (broker.LogIdentity, error) {
	now, err := r.broker.EnsureTopics(ctx)
	if err != nil {
		return now, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.identity == (broker.LogIdentity{}) {
		r.identity = now
	}
	if err := r.identity.SameLog(now); err != nil {
		return now, permanent{fmt.Errorf("the event log is not the one that this instance started with: %w", err)}
	}
	return now, nil
}

// partitionsEvery is how often the number of the log's partitions is looked up.
const partitionsEvery = 5 * time.Second

// watchLog puts the rules of Serve in force, and ends the roles when partitions have been added to the event log: the
// number of partitions decides which of them an event belongs to.
func (r *Roles) watchLog(ctx context.Context, running func()) error {
	identity, err := r.ensureTopics(ctx)
	if err != nil {
		return err
	}
	if err := r.rules.apply(ctx, r.broker, r.roleLog("event log")); err != nil {
		return err
	}
	running()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(partitionsEvery):
		}
		now, err := r.broker.Partitions(ctx, identity.Topic)
		if err != nil {
			continue // the roles report an unreachable broker
		}
		if err := broker.SamePartitions(identity.Topic, identity.Partitions, now); err != nil {
			return permanent{err}
		}
	}
}

// openTables returns the tables that the roles share, made and checked. While
// one role opens them the others wait; if it fails, the next one tries.
func (r *Roles) openTables(ctx context.Context) (*warehouse.Warehouse, error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.tables != nil {
		return r.tables, nil
	}
	identity, err := r.ensureTopics(ctx)
	if err != nil {
		return nil, err
	}
	r.tables, err = openTables(ctx, identity, r.engines.ClickHouse, r.log)
	return r.tables, err
}

// RunMirror starts the role mirror.
func (r *Roles) RunMirror() {
	r.Go("mirror", func(ctx context.Context, running func()) error {
		tables, err := r.openTables(ctx)
		if err != nil {
			return err
		}
		m, err := mirror.New(mirror.Config{Broker: r.broker, Warehouse: tables, Log: r.roleLog("mirror")})
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.mirror = m
		r.mu.Unlock()
		running()
		return m.Run(ctx)
	})
}

// RunProcessor starts the role processor; cfg needs no Broker and no Log.
func (r *Roles) RunProcessor(cfg processor.Config) error {
	cfg.Broker, cfg.Log = r.broker, r.roleLog("processor")
	cfg.OnGaps = r.onGaps("processor")
	next, err := processor.New(cfg)
	if err != nil {
		return err
	}
	r.processor = next
	r.Go("processor", func(ctx context.Context, running func()) error {
		if _, err := r.ensureTopics(ctx); err != nil {
			return err
		}
		r.rules.wait(ctx)
		p := next
		if p == nil { // a Processor runs once
			if p, err = processor.New(cfg); err != nil {
				return err
			}
		}
		next = nil
		r.mu.Lock()
		r.processor = p
		r.mu.Unlock()
		running()
		return r.runProcessor(ctx, p)
	})
	return nil
}

// runNotifier starts the role notifier; cfg needs no Broker and no Log.
func (r *Roles) runNotifier(cfg notifier.Config) {
	cfg.Broker, cfg.Log = r.broker, r.roleLog("notifier")
	r.Go("notifier", func(ctx context.Context, running func()) error {
		if _, err := r.ensureTopics(ctx); err != nil {
			return err
		}
		n, err := notifier.New(cfg)
		if err != nil {
			return err
		}
		running()
		return r.showing(ctx, n.Run, func(shown *Description) bool {
			now := n.Waiting()
			moved := shown.Waiting == nil || *shown.Waiting != now
			shown.Waiting = &now
			return moved
		})
	})
}

// Processor is the one that runs, or ran last. It is nil before RunProcessor.
func (r *Roles) Processor() *processor.Processor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processor
}

// MirrorStats are those of the mirror that runs, or ran last.
func (r *Roles) MirrorStats() mirror.Stats {
	r.mu.Lock()
	m := r.mirror
	r.mu.Unlock()
	if m == nil {
		return mirror.Stats{}
	}
	return m.Stats()
}

// NewProducer makes a producer that lives as long as the roles.
func (r *Roles) NewProducer() (*ingest.Producer, error) {
	p, err := ingest.NewProducer(r.Context(), r.broker, r.roleLog("producer"))
	if err == nil {
		r.producers = append(r.producers, p)
	}
	return p, err
}

// Stop ends the roles, waits for them and closes what they shared. It may be
// called more than once. Its error is Supervisor.Stop's.
func (r *Roles) Stop() error {
	err := r.Supervisor.Stop()
	for _, p := range r.producers {
		p.Close()
	}
	r.producers = nil
	if r.owned {
		r.broker.Close()
		if r.tables != nil {
			err = errors.Join(err, r.tables.Close())
			r.tables = nil
		}
	}
	return err
}

// An embedded ClickHouse that ends more often than mostEnds times within
// endsSpan is not started again.
const (
	mostEnds = 3
	endsSpan = time.Minute
)

// keepClickHouse starts the embedded ClickHouse again when it ends by itself,
// for any process on the machine can make it end. Meanwhile it is unreachable
// for the roles that use it, and they wait.
func (r *Roles) keepClickHouse(ctx context.Context, running func()) error {
	server, log := r.engines.ownClickHouse, r.roleLog("ClickHouse")
	running()
	var ends []time.Time
	for {
		select {
		case <-server.Done():
		case <-ctx.Done():
			return nil
		}
		why := server.Err()
		if why == nil {
			return nil // it was closed
		}
		now := time.Now()
		ends = slices.DeleteFunc(append(ends, now), func(at time.Time) bool { return now.Sub(at) >= endsSpan })
		if len(ends) > mostEnds {
			return permanent{fmt.Errorf("the embedded ClickHouse ended %d times within %s: %w", len(ends), endsSpan, why)}
		}
		log.Warn().Err(why).Msg("the embedded ClickHouse ended: starting it again")
		if err := server.Restart(ctx); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // to be stopped is no failure
			}
			return permanent{errors.Join(why, err)}
		}
		log.Info().Msg("the embedded ClickHouse runs again")
	}
}
