// Package bench measures the mirror against other ways from the same log into
// the same table, in one run on one machine.
package bench

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/proctest"
	"clickstream/processor"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/verify"
	"clickstream/warehouse/warehousetest"
)

//go:embed sql/*.sql
var files embed.FS

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// BenchmarkMirror takes b.N events of 257 bytes from a log of 12 partitions into
// event_log:
//
//	task bench:mirror
//
// Shipped is the binary with its defaults; at the end it raises the alerts too,
// and its verify compares everything. BareLoop is franz-go and ch-go without any
// care for exactness, in batches of 100,000 rows: into the first version's table
// with nothing of the project in it, which no change of the project moves, and
// into the table as it is now with the project's decoder. KafkaEngine is ClickHouse's own, with a materialized view. InsertSelect
// copies the table inside ClickHouse: nothing can be faster. Each has new tables.
func BenchmarkMirror(b *testing.B) {
	s := newSuite(b)
	for _, way := range []struct {
		name string
		run  func(*testing.B, *suite, *tables)
	}{
		{"Shipped", shipped}, {"BareLoop/FirstTable", bareFirst}, {"BareLoop/CurrentTable", bareCurrent},
		{"KafkaEngine", kafkaEngine}, {"InsertSelect", insertSelect},
	} {
		b.Run(way.name, func(b *testing.B) { s.measure(b, way.name, way.run) })
	}
}

// newSuite builds the binary and starts a ClickHouse and a broker.
func newSuite(b *testing.B) *suite {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "clickstream")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", bin, "clickstream").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	server, err := embedded.Start(b.Context(), embedded.Options{Dir: b.TempDir(), Engines: []string{"Kafka"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	return &suite{TB: b, quiet: zerolog.Nop(), bin: bin, server: server, broker: brokertest.Config(b), logs: make(map[int]*broker.Client)}
}

type suite struct {
	testing.TB
	bin    string
	server *embedded.Server
	broker broker.Config
	quiet  zerolog.Logger
	logs   map[int]*broker.Client // by number of events
}

// tables are a database of one measurement.
type tables struct {
	*warehouse.Warehouse
	cfg warehouse.Config
	log *broker.Client
	n   uint64

	engine   proctest.Process
	begun    time.Duration // the engine's CPU time at the beginning
	reported bool
}

// newTables makes a database with our tables.
func newTables(b *testing.B, server *embedded.Server, database string) *tables {
	b.Helper()
	t := &tables{engine: proctest.Child(), cfg: warehouse.Config{
		Addr: []string{server.TCPAddr()}, User: embedded.User, Password: server.Credentials().Password, Database: database,
	}}
	var err error
	if t.Warehouse, err = warehouse.Open(b.Context(), t.cfg, zerolog.Nop()); err != nil {
		b.Fatal(err)
	}
	if _, err := t.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return t
}

// drop ends them.
func (t *tables) drop(b *testing.B) {
	b.Helper()
	t.exec(b, "DROP DATABASE "+t.cfg.Database+" SYNC")
	if err := t.Close(); err != nil {
		b.Error(err)
	}
}

// report says what ClickHouse needed so far. What a measurement does after its
// end, such as verify, calls it first.
func (t *tables) report(b *testing.B) {
	b.Helper()
	if t.reported {
		return
	}
	t.reported = true
	b.ReportMetric(perMillion(b.N, t.engine.CPU()-t.begun), "clickhouse-cpu-s/M")
	b.ReportMetric(t.engine.PeakMiB(), "clickhouse-peak-MiB")
}

func (s *suite) measure(b *testing.B, name string, run func(*testing.B, *suite, *tables)) {
	b.Helper()
	t := newTables(b, s.server, fmt.Sprintf("bench_%s_%d", strings.ToLower(strings.ReplaceAll(name, "/", "_")), b.N))
	defer t.drop(b)
	t.log, t.n = s.log(b), uint64(b.N)
	t.engine.ForgetPeak()
	t.begun = t.engine.CPU()
	b.ResetTimer()
	run(b, s, t)
	b.StopTimer()
	t.report(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(t.number(b, parts), "parts")
	b.ReportMetric(t.number(b, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'event_log'")/float64(b.N), "disk-bytes/event")
}

// parts is how many parts the inserts have made: each has the next block number
// of its day.
const parts = `SELECT toUInt64(sum(made)) FROM (
	SELECT max(max_block_number) AS made FROM system.parts
	WHERE database = currentDatabase() AND table = 'event_log' GROUP BY partition)`

func (t *tables) number(b *testing.B, sql string) float64 {
	b.Helper()
	var n uint64
	if err := t.Conn().QueryRow(b.Context(), sql).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return float64(n)
}

// log is a log of b.N events in two hours.
func (s *suite) log(b *testing.B) *broker.Client {
	b.Helper()
	if cl := s.logs[b.N]; cl != nil {
		return cl
	}
	cfg := s.broker
	cfg.TopicPrefix += fmt.Sprintf("%d-", b.N)
	s.logs[b.N] = brokertest.OpenTraffic(s, cfg)
	brokertest.NewTraffic(b.N, 2*time.Hour).Write(b, s.logs[b.N], b.N)
	return s.logs[b.N]
}

// command is a command of the binary on the log and the tables of t.
func (s *suite) command(b *testing.B, t *tables, args ...string) *exec.Cmd {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), s.bin, append(args, "--data-dir", b.TempDir(),
		"--kafka-brokers", strings.Join(t.log.Config().Brokers, ","), "--kafka-topic-prefix", t.log.Config().TopicPrefix,
		"--clickhouse-addr", t.cfg.Addr[0], "--clickhouse-user", t.cfg.User, "--clickhouse-database", t.cfg.Database)...)
	cmd.Env = append(os.Environ(), "CLICKSTREAM_CLICKHOUSE_PASSWORD="+t.cfg.Password)
	cmd.Stderr = os.Stderr
	return cmd
}

// start starts the binary with roles, with its defaults.
func (s *suite) start(b *testing.B, t *tables, roles string) *proctest.Command {
	b.Helper()
	cmd, err := proctest.Start(s.command(b, t, "serve", "--roles", roles, "--kafka-partitions", "12", "--log-level", "warn"))
	if err != nil {
		b.Fatal(err)
	}
	return cmd
}

// stop ends what start has started.
func stop(b *testing.B, cmd *proctest.Command) {
	b.Helper()
	if err := cmd.Stop(); err != nil {
		b.Error(err)
	}
}

// shipped runs the binary until everything is stored.
func shipped(b *testing.B, s *suite, t *tables) {
	b.Helper()
	cmd := s.start(b, t, "mirror")
	ends, err := t.log.EndOffsets(b.Context(), t.log.Topics().Events)
	if err == nil {
		err = t.WaitStored(b.Context(), t.log, t.log.Topics().Events, ends, nil)
	}
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	stop(b, cmd)
	t.report(b)
	b.ReportMetric(perMillion(b.N, cmd.CPU), "our-cpu-s/M")
	b.ReportMetric(cmd.MiB, "our-peak-MiB")
	if b.N > 1 {
		s.verify(b, t, ends)
	}
}

// verify has the binary raise the alerts and then compare all that is in the
// tables with the log.
func (s *suite) verify(b *testing.B, t *tables, ends broker.Offsets) {
	b.Helper()
	roles := s.start(b, t, "mirror,processor")
	defer stop(b, roles)
	if err := processor.WaitAcknowledged(b.Context(), t.log, ends); err != nil {
		b.Fatal(err)
	}
	t.engine.ForgetPeak()
	out, cmd, err := proctest.Output(s.command(b, t, "verify", "--output", "json"))
	if err != nil {
		b.Fatalf("verify: %v: %s", err, out)
	}
	var r verify.Report
	if err := json.Unmarshal(out, &r); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.Elapsed.Seconds(), "verify-s")
	b.ReportMetric(float64(r.Alerts), "alerts")
	b.ReportMetric(cmd.MiB, "verify-our-peak-MiB")
	b.ReportMetric(t.engine.PeakMiB(), "verify-clickhouse-peak-MiB")
}

func perMillion(n int, cpu time.Duration) float64 { return cpu.Seconds() * 1e6 / float64(n) }
