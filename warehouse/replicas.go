package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
)

//go:embed sql/cluster_shards.sql
var clusterShardsSQL string

//go:embed sql/sync_replica.sql
var syncReplicaSQL string

const codeTimeout = 159

// checkCluster refuses a cluster that replicated tables cannot be made on.
func (w *Warehouse) checkCluster(ctx context.Context) error {
	if w.cfg.Engine != Replicated {
		return nil
	}
	var shards uint64
	if err := w.conn.QueryRow(ctx, clusterShardsSQL, clickhouse.Named("cluster", w.cfg.Cluster)).Scan(&shards); err != nil {
		return fmt.Errorf("look up the shards of cluster %s (the user needs to read system.clusters): %w", w.cfg.Cluster, err)
	}
	return oneShard(w.cfg.Cluster, shards)
}

// oneShard says why a cluster with so many shards is refused, or returns nil.
func oneShard(cluster string, shards uint64) error {
	switch shards {
	case 1:
		return nil
	case 0:
		return fmt.Errorf("the server knows no cluster %q: give the name of one in system.clusters, or add it to remote_servers in the server's configuration", cluster)
	}
	return fmt.Errorf("cluster %q has %d shards: each row would be in one of them, and reports, alerts and verify would read the rows of one alone. "+
		"Give a cluster that has one shard with all replicas", cluster, shards)
}

// replicas are the addresses of the Warehouse's servers.
type replicas struct {
	mu sync.Mutex
	// unsynced did not answer when the others were synced: they may lack rows.
	unsynced []string
}

// dial connects to the first server that answers. One that may lack rows comes
// last: it is no use to a reader, but a writer can go on with it.
func (r *replicas) dial(ctx context.Context, id int, opt *clickhouse.Options, dial clickhouse.Dial) (clickhouse.DialResult, error) {
	r.mu.Lock()
	unsynced := r.unsynced
	r.mu.Unlock()
	ordered := *opt
	ordered.Addr = slices.Clone(opt.Addr)
	slices.SortStableFunc(ordered.Addr, func(a, b string) int {
		switch aLast, bLast := slices.Contains(unsynced, a), slices.Contains(unsynced, b); {
		case aLast == bLast:
			return 0
		case aLast:
			return 1
		}
		return -1
	})
	return clickhouse.DefaultDialStrategy(ctx, id, &ordered, dial)
}

// sync has each server catch up with the others. One that is unreachable is
// passed over, and read only where no other answers.
func (r *replicas) sync(ctx context.Context, addrs []string, one func(ctx context.Context, addr string) error) error {
	var unsynced []string
	var errs []error
	for _, addr := range addrs {
		err := one(ctx, addr)
		switch _, passes := Retriable(err); {
		case err == nil:
		case passes && codeOf(err) == 0 && ctx.Err() == nil:
			unsynced = append(unsynced, addr)
			errs = append(errs, err)
		default:
			return err
		}
	}
	if len(unsynced) == len(addrs) {
		return errors.Join(errs...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsynced = unsynced
	return nil
}

// syncReplicas waits until the servers that are read hold every row that a
// quorum of replicas holds: an insert that is acknowledged may not have reached
// the others. It does nothing where no table is replicated.
func (w *Warehouse) syncReplicas(ctx context.Context) error {
	tables, err := w.logTables(ctx)
	if err != nil {
		return fmt.Errorf("look up how the tables of database %s are kept: %w", w.cfg.Database, err)
	}
	tables = slices.DeleteFunc(tables, func(t logTable) bool { return !strings.HasPrefix(t.engine, "Replicated") })
	if len(tables) == 0 {
		return nil
	}
	return w.replicas.sync(ctx, w.cfg.Addr, func(ctx context.Context, addr string) error { return w.syncReplica(ctx, addr, tables) })
}

func (w *Warehouse) syncReplica(ctx context.Context, addr string, tables []logTable) (err error) {
	opts := w.opts
	opts.Addr, opts.DialStrategy = []string{addr}, nil
	conn, err := w.ping(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// The server gives up before this client stops waiting for an answer, and is
	// asked again.
	asking := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"receive_timeout": 30}))
	for _, t := range tables {
		statement, err := fill("sync_replica.sql", syncReplicaSQL, struct{ Table string }{t.name})
		if err != nil {
			return err
		}
		for err = conn.Exec(asking, statement); codeOf(err) == codeTimeout && ctx.Err() == nil; {
			err = conn.Exec(asking, statement)
		}
		if err != nil {
			return fmt.Errorf("wait until %s has all rows of table %s (the user needs the right SYSTEM SYNC REPLICA): %w", addr, t.name, err)
		}
	}
	return nil
}
