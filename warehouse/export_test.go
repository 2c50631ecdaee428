package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// WaitCodes are the errors of ClickHouse that are waited for.
var WaitCodes = waitCodes

// OneShard says why a cluster with so many shards is refused.
var OneShard = oneShard

// Replicas are the addresses of a Warehouse's servers.
type Replicas struct{ replicas }

// Sync is replicas.sync.
func (r *Replicas) Sync(ctx context.Context, addrs []string, one func(context.Context, string) error) error {
	return r.sync(ctx, addrs, one)
}

// Dial is replicas.dial.
func (r *Replicas) Dial(ctx context.Context, opt *clickhouse.Options, dial clickhouse.Dial) (clickhouse.DialResult, error) {
	return r.dial(ctx, 0, opt, dial)
}

// SyncReplica is syncReplica for one table.
func (w *Warehouse) SyncReplica(ctx context.Context, table string) error {
	return w.syncReplica(ctx, w.cfg.Addr[0], []logTable{{name: table}})
}

// Hangups are connections that close as a Warehouse's do.
type Hangups struct{ hangups }

// NewHangups are connections that read what is still answered for so long.
func NewHangups(timeout time.Duration) *Hangups { return &Hangups{hangups{timeout: timeout}} }

// Wait is hangups.wait.
func (h *Hangups) Wait() { h.wait() }
