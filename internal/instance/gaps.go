package instance

import (
	"context"
	"fmt"
	"time"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// gapsEvery is how often it is tried to record gaps while ClickHouse cannot be
// reached, and gapsLogged how often that is logged.
const (
	gapsEvery  = time.Second
	gapsLogged = time.Minute
)

// onGaps is how a role has recorded what it has found missing (M6); nil where
// there is no ClickHouse.
func (r *Roles) onGaps(role string) func(context.Context, []broker.Gap) error {
	if len(r.engines.ClickHouse.Addr) == 0 {
		return nil
	}
	return func(ctx context.Context, gaps []broker.Gap) error { return r.recordGaps(ctx, role, gaps) }
}

// recordGaps waits while ClickHouse cannot be reached: what is not recorded is
// not passed over.
func (r *Roles) recordGaps(ctx context.Context, role string, gaps []broker.Gap) error {
	record := func() error {
		tables, err := r.openTables(ctx)
		if err == nil {
			_, err = tables.RecordGaps(ctx, role, gaps)
		}
		return err
	}
	var logged time.Time
	for {
		err := record()
		if err == nil || ctx.Err() != nil {
			return err
		}
		reason, retriable := warehouse.Retriable(err)
		if !retriable {
			return fmt.Errorf("record that %s: %w", gaps[0], err)
		}
		if time.Since(logged) > gapsLogged {
			logged = time.Now()
			log := r.roleLog(role)
			log.Warn().Err(err).Str("reason", reason).Msg(role + ": record that " + gaps[0].String() + ": waits and tries again; its partitions are not read before")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(gapsEvery):
		}
	}
}
