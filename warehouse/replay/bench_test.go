package replay_test

import (
	_ "embed"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"clickstream/internal/event"
	"clickstream/warehouse/replay"
	"clickstream/warehouse/warehousetest"
)

//go:embed testdata/traffic.sql
var traffic string

// BenchmarkReplay reads b.N events of 12 partitions, on all cores, with ClickHouse
// on the same.
func BenchmarkReplay(b *testing.B) {
	w := warehousetest.Migrated(b)
	if err := w.Conn().Exec(b.Context(), traffic, clickhouse.Named("events", uint64(b.N))); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	r, err := replay.Open(b.Context(), w, 0, 1<<50)
	if err != nil {
		b.Fatal(err)
	}
	var events atomic.Int64
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range r.Partitions {
		workers.Go(func() error {
			n := int64(0)
			err := r.Read(b.Context(), p, func(*event.Event, event.Millis, int64) bool {
				n++
				return true
			})
			events.Add(n)
			return err
		})
	}
	if err := workers.Wait(); err != nil || events.Load() != int64(b.N) {
		b.Fatalf("%d events of %d, %v", events.Load(), b.N, err)
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
