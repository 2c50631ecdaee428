package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/processor"
	"clickstream/warehouse"
	"clickstream/warehouse/mirror"
)

// pipeline is what the roles stand on: the engines with topics and tables made,
// and one client for questions to the broker.
type pipeline struct {
	*engines
	client    *kgo.Client
	warehouse *warehouse.Warehouse
	log       zerolog.Logger
}

// openPipeline makes topics and tables and checks that the tables were filled
// from this log.
func openPipeline(ctx context.Context, e *engines, log zerolog.Logger) (_ *pipeline, err error) {
	p := &pipeline{engines: e, log: log}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.client, err = e.broker.NewClient(); err != nil {
		return nil, err
	}
	identity, err := broker.EnsureTopics(ctx, p.client, e.broker)
	if err != nil {
		return nil, err
	}
	if p.warehouse, err = warehouse.Open(ctx, e.clickhouse, log); err != nil {
		return nil, err
	}
	if _, err := p.warehouse.Migrate(ctx); err != nil {
		return nil, err
	}
	return p, p.warehouse.CheckLog(ctx, identity)
}

// joinPipeline opens what others run, and makes nothing: whoever only asks
// needs no right to change tables, and does not undo what was taken back.
func joinPipeline(ctx context.Context, e *engines, log zerolog.Logger) (_ *pipeline, err error) {
	p := &pipeline{engines: e, log: log}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.client, err = e.broker.NewClient(); err != nil {
		return nil, err
	}
	if p.warehouse, err = warehouse.Open(ctx, e.clickhouse, log); err != nil {
		return nil, err
	}
	states, err := p.warehouse.MigrationStatus(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if !s.Applied {
			return nil, fmt.Errorf("database %s lacks migration %s: run clickstream migrate up (serve does so at its start)", e.clickhouse.Database, s.Name)
		}
	}
	return p, nil
}

func (p *pipeline) close() {
	if p.client != nil {
		p.client.Close()
	}
	if p.warehouse != nil {
		_ = p.warehouse.Close()
	}
}

// roles are running parts. They end together: when one fails, or at Stop.
type roles struct {
	// ctx ends when a role fails; its cause is that role's error.
	ctx    context.Context
	cancel context.CancelFunc
	group  *errgroup.Group

	pipeline  *pipeline
	mirror    *mirror.Mirror
	processor *processor.Processor
	collector *ingest.Collector
	producers []*ingest.Producer // shared by roles, closed after all have ended
}

func (p *pipeline) newRoles(ctx context.Context) *roles {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	r := &roles{ctx: ctx, cancel: cancel, group: group, pipeline: p}
	if p.ownClickHouse != nil {
		r.run("ClickHouse", r.keepClickHouse)
	}
	return r
}

// An embedded ClickHouse that ends more often than this is not started again.
const (
	mostEnds = 3
	endsSpan = time.Minute
)

// keepClickHouse starts the embedded ClickHouse again when it ends by itself:
// any process of the machine can end it. The roles that use it wait meanwhile,
// as for every server that is away.
func (r *roles) keepClickHouse(ctx context.Context) error {
	server, log := r.pipeline.ownClickHouse, r.roleLog("ClickHouse")
	var ends []time.Time
	for {
		select {
		case <-server.Done():
		case <-ctx.Done():
			return nil
		}
		why := server.Err()
		if why == nil {
			return nil // it was asked to
		}
		now := time.Now()
		ends = slices.DeleteFunc(append(ends, now), func(at time.Time) bool { return now.Sub(at) >= endsSpan })
		if len(ends) > mostEnds {
			return fmt.Errorf("it ended %d times within %s: %w", len(ends), endsSpan, why)
		}
		log.Warn().Err(why).Msg("the embedded ClickHouse ended: starting it again")
		if err := server.Restart(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return errors.Join(why, err)
		}
		log.Info().Msg("the embedded ClickHouse runs again")
	}
}

// run starts a role. It owns its goroutine until Stop or Wait returns.
func (r *roles) run(name string, role func(context.Context) error) {
	r.group.Go(func() error {
		if err := role(r.ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

func (r *roles) runMirror() error {
	m, err := mirror.New(mirror.Config{Broker: r.pipeline.broker, Warehouse: r.pipeline.warehouse, Log: r.roleLog("mirror")})
	if err != nil {
		return err
	}
	r.mirror = m
	r.run("mirror", m.Run)
	return nil
}

func (r *roles) runProcessor(cfg processor.Config) error {
	cfg.Broker, cfg.Log = r.pipeline.broker, r.roleLog("processor")
	p, err := processor.New(cfg)
	if err != nil {
		return err
	}
	r.processor = p
	r.run("processor", p.Run)
	return nil
}

// newProducer makes a producer that lives as long as the roles.
func (r *roles) newProducer() (*ingest.Producer, error) {
	p, err := ingest.NewProducer(r.ctx, r.pipeline.broker, r.roleLog("producer"))
	if err == nil {
		r.producers = append(r.producers, p)
	}
	return p, err
}

// stop ends the roles and waits for them. It may be called more than once.
func (r *roles) stop() error {
	r.cancel()
	err := r.group.Wait()
	for _, p := range r.producers {
		p.Close()
	}
	r.producers = nil
	return err
}

// explain gives the failed role's error in place of the cancelled work's.
func (r *roles) explain(err error) error {
	if err == nil {
		return nil
	}
	if r.ctx.Err() == nil {
		return err
	}
	if roleErr := r.stop(); roleErr != nil && !errors.Is(roleErr, context.Canceled) {
		return roleErr
	}
	return err
}

// stored waits until the mirror has stored everything that is on the log and in
// the other topics now.
func (p *pipeline) stored(ctx context.Context, progress func(left int64)) error {
	topics := p.broker.Topics()
	for _, topic := range []string{topics.Events, topics.Alerts, topics.Rejected} {
		ends, err := broker.EndOffsets(ctx, p.client, topic)
		if err != nil {
			return fmt.Errorf("ask for the end of %s: %w", topic, err)
		}
		if err := p.warehouse.WaitStored(ctx, p.client, p.broker, topic, ends, progress); err != nil {
			return fmt.Errorf("wait until %s is stored: %w", topic, err)
		}
	}
	return nil
}
