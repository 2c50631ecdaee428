package warehouse_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// What the server has of a connection's settings, for both clients.
func TestM2_InsertsWaitForAQuorumOfReplicas(t *testing.T) {
	w := warehousetest.Migrated(t)
	client, err := w.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, want := range map[string]string{
		"insert_quorum": "auto", "insert_quorum_parallel": "1", "insert_quorum_timeout": "30000", "select_sequential_consistency": "1",
	} {
		query := "SELECT value FROM system.settings WHERE name = '" + name + "'"
		var pool string
		if err := w.Conn().QueryRow(t.Context(), query).Scan(&pool); err != nil {
			t.Fatal(err)
		}
		var rows proto.ColStr
		if err := warehouse.Do(t.Context(), client, ch.Query{Body: query, Result: proto.Results{{Name: "value", Data: &rows}}}); err != nil {
			t.Fatal(err)
		}
		if block := rows.First(); pool != want || block != want {
			t.Errorf("%s is %q in the pool and %q in the client of blocks, want %q", name, pool, block, want)
		}
	}
}

func TestAClusterWithOtherThanOneShardIsRefused(t *testing.T) {
	if err := warehouse.OneShard("shop", 1); err != nil {
		t.Errorf("one shard: %v", err)
	}
	if err := warehouse.OneShard("shop", 3); err == nil || !strings.Contains(err.Error(), `"shop" has 3 shards`) || !strings.Contains(err.Error(), "one shard with all replicas") {
		t.Errorf("three shards: %v", err)
	}
	cfg := config(t)
	cfg.Engine, cfg.Cluster = warehouse.Replicated, "nowhere"
	w, err := warehouse.Open(t.Context(), cfg, zerolog.Nop())
	if err == nil {
		w.Close()
	}
	if err == nil || !strings.Contains(err.Error(), `no cluster "nowhere"`) {
		t.Errorf("a cluster that the server does not know: %v", err)
	}
}

func TestAReplicaThatWasUnreachableIsReadLast(t *testing.T) {
	var r warehouse.Replicas
	addrs := []string{"a", "b", "c"}
	down := map[string]error{"a": io.EOF}
	one := func(_ context.Context, addr string) error { return down[addr] }
	order := func() (all []string) {
		_, _ = r.Dial(t.Context(), &clickhouse.Options{Addr: addrs}, func(_ context.Context, addr string, _ *clickhouse.Options) (clickhouse.DialResult, error) {
			all = append(all, addr)
			return clickhouse.DialResult{}, io.EOF
		})
		return all
	}
	if err := r.Sync(t.Context(), addrs, one); err != nil {
		t.Fatal(err)
	}
	if got := order(); !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("dialled %v, want the one that may lack rows last", got)
	}
	down = nil
	if err := r.Sync(t.Context(), addrs, one); err != nil {
		t.Fatal(err)
	}
	if got := order(); !slices.Equal(got, addrs) {
		t.Errorf("dialled %v, want the given order", got)
	}
	down = map[string]error{"a": io.EOF, "b": io.EOF, "c": io.EOF}
	if err := r.Sync(t.Context(), addrs, one); !errors.Is(err, io.EOF) {
		t.Errorf("without any replica: %v", err)
	}
	// A replica that answers and cannot catch up is not passed over.
	down = map[string]error{"b": &clickhouse.Exception{Code: 242}}
	if err := r.Sync(t.Context(), addrs, one); err == nil {
		t.Error("a replica that refuses to catch up was passed over")
	}
}

// The embedded ClickHouse has no replicated tables, and says so of a statement
// that it understands.
func TestTheServerUnderstandsHowAReplicaIsSynced(t *testing.T) {
	w := warehousetest.Migrated(t)
	if err := w.SyncReplica(t.Context(), "event_log"); err == nil || !strings.Contains(err.Error(), "is not replicated") {
		t.Errorf("got %v", err)
	}
}
