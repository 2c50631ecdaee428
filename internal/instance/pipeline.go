package instance

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// Pipeline is what the roles stand on: the engines with topics and tables made,
// and one client for queries of the broker.
type Pipeline struct {
	*Engines
	Client    *kgo.Client
	Warehouse *warehouse.Warehouse
	Log       zerolog.Logger
}

// OpenPipeline makes topics and tables and checks that the tables were filled
// from this log.
func OpenPipeline(ctx context.Context, e *Engines, log zerolog.Logger) (_ *Pipeline, err error) {
	p := &Pipeline{Engines: e, Log: log}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.Client, err = e.Broker.NewClient(); err != nil {
		return nil, err
	}
	identity, err := broker.EnsureTopics(ctx, p.Client, e.Broker)
	if err != nil {
		return nil, err
	}
	p.Warehouse, err = openTables(ctx, identity, e.ClickHouse, log)
	return p, err
}

// openTables makes the tables and checks that they were filled from this log.
func openTables(ctx context.Context, log broker.LogIdentity, cfg warehouse.Config, to zerolog.Logger) (*warehouse.Warehouse, error) {
	w, err := warehouse.Open(ctx, cfg, to)
	if err != nil {
		return nil, err
	}
	if _, err = w.Migrate(ctx); err == nil {
		err = w.CheckLog(ctx, log)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// JoinPipeline opens what others run, and makes nothing: whoever only asks
// needs no right to change tables, and does not undo what was taken back.
func JoinPipeline(ctx context.Context, e *Engines, log zerolog.Logger) (_ *Pipeline, err error) {
	p := &Pipeline{Engines: e, Log: log}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.Client, err = e.Broker.NewClient(); err != nil {
		return nil, err
	}
	if p.Warehouse, err = warehouse.Open(ctx, e.ClickHouse, log); err != nil {
		return nil, err
	}
	states, err := p.Warehouse.MigrationStatus(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		if !s.Applied {
			return nil, fmt.Errorf("database %s lacks migration %s: run clickstream migrate up (serve does so at its start)", e.ClickHouse.Database, s.Name)
		}
	}
	return p, nil
}

// Close ends the connections.
func (p *Pipeline) Close() {
	if p.Client != nil {
		p.Client.Close()
	}
	if p.Warehouse != nil {
		_ = p.Warehouse.Close()
	}
}

// WaitStored waits until the mirror has stored everything that is on the log and in
// the other topics now.
func (p *Pipeline) WaitStored(ctx context.Context, progress func(left int64)) error {
	topics := p.Broker.Topics()
	for _, topic := range []string{topics.Events, topics.Alerts, topics.Rejected} {
		ends, err := broker.EndOffsets(ctx, p.Client, topic)
		if err != nil {
			return fmt.Errorf("ask for the end of %s: %w", topic, err)
		}
		if err := p.Warehouse.WaitStored(ctx, p.Client, p.Broker, topic, ends, progress); err != nil {
			return fmt.Errorf("wait until %s is stored: %w", topic, err)
		}
	}
	return nil
}
