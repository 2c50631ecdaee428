package ingest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/proctest"
)

// BenchmarkImport reads, checks, encodes and appends rows as REES46 has them, in
// the order of time and shuffled, to the embedded broker, or to a real Kafka
// with CLICKSTREAM_TEST_BROKERS=kafka:
//
//	go test ./ingest -run '^$' -bench BenchmarkImport -benchtime 1000000x
//
// The peak of memory is the whole process's since its start: with the embedded
// broker the log is in it, and a second benchmark has the first one's.
func BenchmarkImport(b *testing.B) {
	for _, name := range []string{"in order", "shuffled"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "rows.csv")
			writeRows(b, path, b.N, name == "shuffled")
			ctx := context.Background()
			p, err := NewProducer(ctx, brokertest.Open(b), zerolog.Nop(), Bulk())
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			b.ResetTimer()
			report, err := importFiles(ctx, Options{Paths: []string{path}}, p)
			if err != nil || report.Accepted != int64(b.N) {
				b.Fatal(report, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(b.N)/report.Elapsed.Seconds(), "events/s-without-check")
			b.ReportMetric(proctest.Self.PeakMiB(), "peak-MiB")
		})
	}
}

func writeRows(b *testing.B, path string, n int, shuffled bool) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	defer w.Flush()
	fmt.Fprintln(w, "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session")
	start := time.Date(2019, 10, 1, 0, 0, 0, 0, time.UTC)
	types := []string{"view", "view", "view", "view", "cart", "view", "view", "purchase"}
	for i := range n {
		if shuffled {
			i = i * 7919 % n
		}
		at := start.Add(time.Duration(i) * 40 * time.Millisecond)
		fmt.Fprintf(w, "%s UTC,%s,%d,2053013558920217191,appliances.environment.water_heater,samsung,%d.%02d,%d,%08x-8bb3-4e00-8c23-a032dfed738c\n",
			at.Format(time.DateTime), types[i%len(types)], 1000000+i*7919%10000, i%900, i%100, 500000000+i*31%200000, uint32(i)*2654435761)
	}
}
