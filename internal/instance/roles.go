package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"clickstream/ingest"
	"clickstream/processor"
	"clickstream/warehouse/mirror"
)

// Roles are running roles. They end together: when one fails, or at Stop.
type Roles struct {
	// Context ends when a role fails; its cause is that role's error.
	Context context.Context
	cancel  context.CancelFunc
	group   *errgroup.Group

	Pipeline  *Pipeline
	Mirror    *mirror.Mirror       // after RunMirror
	Processor *processor.Processor // after RunProcessor
	Collector *ingest.Collector    // after Serve with the role collector
	producers []*ingest.Producer   // shared by roles, closed after all have ended
}

// NewRoles is no role yet. With an embedded ClickHouse of this command it keeps
// that running.
func (p *Pipeline) NewRoles(ctx context.Context) *Roles {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	r := &Roles{Context: ctx, cancel: cancel, group: group, Pipeline: p}
	if p.ownClickHouse != nil {
		r.Run("ClickHouse", r.keepClickHouse)
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
func (r *Roles) keepClickHouse(ctx context.Context) error {
	server, log := r.Pipeline.ownClickHouse, r.log("ClickHouse")
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

// Run starts a role. It owns its goroutine until Stop or Wait returns.
func (r *Roles) Run(name string, role func(context.Context) error) {
	r.group.Go(func() error {
		if err := role(r.Context); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// RunMirror starts the role mirror.
func (r *Roles) RunMirror() error {
	m, err := mirror.New(mirror.Config{Broker: r.Pipeline.Broker, Warehouse: r.Pipeline.Warehouse, Log: r.log("mirror")})
	if err != nil {
		return err
	}
	r.Mirror = m
	r.Run("mirror", m.Run)
	return nil
}

// RunProcessor starts the role processor; cfg needs no Broker and no Log.
func (r *Roles) RunProcessor(cfg processor.Config) error {
	cfg.Broker, cfg.Log = r.Pipeline.Broker, r.log("processor")
	p, err := processor.New(cfg)
	if err != nil {
		return err
	}
	r.Processor = p
	r.Run("processor", p.Run)
	return nil
}

// NewProducer makes a producer that lives as long as the roles.
func (r *Roles) NewProducer(opts ...kgo.Opt) (*ingest.Producer, error) {
	p, err := ingest.NewProducer(r.Context, r.Pipeline.Broker, r.log("producer"), opts...)
	if err == nil {
		r.producers = append(r.producers, p)
	}
	return p, err
}

// Stop ends the roles and waits for them. It may be called more than once.
func (r *Roles) Stop() error {
	r.cancel()
	err := r.group.Wait()
	for _, p := range r.producers {
		p.Close()
	}
	r.producers = nil
	return err
}

// Explain gives the failed role's error in place of the cancelled work's.
func (r *Roles) Explain(err error) error {
	if err == nil {
		return nil
	}
	if r.Context.Err() == nil {
		return err
	}
	if roleErr := r.Stop(); roleErr != nil && !errors.Is(roleErr, context.Canceled) {
		return roleErr
	}
	return err
}
