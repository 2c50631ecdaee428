package instance

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// Pipeline is what the roles use: the engines with topics and tables made, and
// one client of the broker.
type Pipeline struct {
	*Engines
	Broker    *broker.Client
	Warehouse *warehouse.Warehouse
	Log       zerolog.Logger
}

// OpenPipeline makes topics and tables and checks that the tables belong
// to this log.
func OpenPipeline(ctx context.Context, e *Engines, log zerolog.Logger) (*Pipeline, error) {
	return openPipeline(e, log, func(p *Pipeline) error {
		identity, err := p.Broker.EnsureTopics(ctx)
		if err != nil {
			return err
		}
		p.Warehouse, err = openTables(ctx, identity, e.ClickHouse, log)
		return err
	})
}

// openPipeline opens the broker's client, and has tables do the rest. Where
// that fails, nothing stays open.
func openPipeline(e *Engines, log zerolog.Logger, tables func(*Pipeline) error) (*Pipeline, error) {
	client, err := broker.Open(e.Kafka)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{Engines: e, Broker: client, Log: log}
	if err := tables(p); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// openTables makes the tables and checks that they belong to this log.
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

// JoinPipeline opens the topics and tables of engines that others run, and
// creates nothing. So a command that only reads needs no right to change
// tables, and does not apply a migration that somebody has reverted.
func JoinPipeline(ctx context.Context, e *Engines, log zerolog.Logger) (*Pipeline, error) {
	return openPipeline(e, log, func(p *Pipeline) (err error) {
		if p.Warehouse, err = warehouse.Open(ctx, e.ClickHouse, log); err != nil {
			return err
		}
		states, err := p.Warehouse.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		for _, s := range states {
			if !s.Applied {
				return fmt.Errorf("database %s lacks migration %s: run clickstream migrate up (serve does so at its start)", e.ClickHouse.Database, s.Name)
			}
		}
		return nil
	})
}

// Close ends the connections.
func (p *Pipeline) Close() {
	if p.Broker != nil {
		p.Broker.Close()
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
		ends, err := p.Broker.EndOffsets(ctx, topic)
		if err != nil {
			return fmt.Errorf("read the end offsets of %s: %w", topic, err)
		}
		if err := p.Warehouse.WaitStored(ctx, p.Broker, topic, ends, progress); err != nil {
			return fmt.Errorf("wait until %s is stored: %w", topic, err)
		}
	}
	return nil
}
