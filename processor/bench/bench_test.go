// Package bench measures the processor on a log that is written before it starts.
package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/proctest"
	"clickstream/processor"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == bareLoopCommand {
		if err := runBareLoop(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkProcessor counts b.N events of two hours, in 12 partitions:
//
//	task bench:processor
//
// Shipped is the binary with its defaults, in a process of its own with one core
// or two (GOMAXPROCS): what users run, with its own settings of the garbage
// collector. BareLoop is franz-go, counters for each pane and a set of ids, in a
// process too: it checks nothing, commits nothing and emits nothing. What it finds
// by adding panes up is compared with the alerts.
//
// elapsed-s is from the start of the process to the acknowledgement of the log's
// end, with the start, the join and the commit once a second in it; events/s is
// all events divided by that. What it is without them is the difference of two
// runs of different length. The bare loop has none of them.
func BenchmarkProcessor(b *testing.B) {
	s := newSuite(b)
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("Shipped/cores=%d", cores), func(b *testing.B) { s.shipped(b, cores) })
	}
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("BareLoop/cores=%d", cores), func(b *testing.B) { s.bareLoop(b, cores) })
	}
}

// BenchmarkRestart writes b.N events, 20,000 a second of event time. The binary
// has counted two fifths of them when it stops; it reports how long it takes from
// its next start until it has caught up. With 20 million events it is ten minutes
// behind.
func BenchmarkRestart(b *testing.B) {
	s := newSuite(b)
	cl := brokertest.OpenTraffic(b, s.broker)
	traffic := brokertest.NewTraffic(b.N, time.Duration(b.N)*time.Second/20_000)
	before := b.N * 2 / 5
	if before > 0 {
		traffic.Write(b, cl, before)
		cmd := s.start(b, cl, 2)
		s.follow(b, cl)
		stop(b, cmd)
	}
	traffic.Write(b, cl, b.N-before)
	b.ResetTimer()
	cmd := s.start(b, cl, 2)
	s.follow(b, cl)
	b.StopTimer()
	stop(b, cmd)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N-before)/20_000, "behind-s")
	b.ReportMetric(b.Elapsed().Seconds(), "caught-up-s")
	b.ReportMetric(cmd.MiB, "peak-MiB")
	s.check(b, cl)
}

type suite struct {
	testing.TB
	bin    string
	broker broker.Config
	logs   map[int]*broker.Client // by number of events
}

// newSuite builds the binary and starts a broker.
func newSuite(b *testing.B) *suite {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "clickstream")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", bin, "clickstream").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return &suite{TB: b, bin: bin, broker: brokertest.Config(b), logs: make(map[int]*broker.Client)}
}

// log is a log of b.N events in two hours. All of it has been read once, so that
// it is in memory.
func (s *suite) log(b *testing.B) *broker.Client {
	b.Helper()
	if cl := s.logs[b.N]; cl != nil {
		return cl
	}
	cfg := s.broker
	cfg.TopicPrefix += fmt.Sprintf("%d-", b.N)
	cl := brokertest.OpenTraffic(s, cfg)
	s.logs[b.N] = cl
	brokertest.NewTraffic(b.N, 2*time.Hour).Write(b, cl, b.N)
	runBare(b, cl, 2)
	return cl
}

// start starts the binary as a processor alone.
func (s *suite) start(b *testing.B, cl *broker.Client, cores int) *proctest.Command {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), s.bin, "serve", "--roles", "processor", "--data-dir", b.TempDir(), "--log-level", "warn",
		"--kafka-brokers", strings.Join(cl.Config().Brokers, ","), "--kafka-topic-prefix", cl.Config().TopicPrefix, "--kafka-partitions", "12")
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", cores))
	cmd.Stderr = os.Stderr
	started, err := proctest.Start(cmd)
	if err != nil {
		b.Fatal(err)
	}
	return started
}

func stop(b *testing.B, cmd *proctest.Command) {
	b.Helper()
	if err := cmd.Stop(); err != nil {
		b.Error(err)
	}
}

// follow waits until the whole log is acknowledged.
func (s *suite) follow(b *testing.B, cl *broker.Client) {
	b.Helper()
	ends, err := cl.EndOffsets(b.Context(), cl.Topics().Events)
	if err != nil {
		b.Fatal(err)
	}
	for {
		done, err := processor.Acknowledged(b.Context(), cl)
		if err != nil && broker.Classify(err) != broker.Retriable {
			b.Fatal(err)
		}
		left := int64(0)
		for n, end := range ends {
			left += max(0, end-done[n]) // ticks may come after it
		}
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// shipped runs the binary until everything is acknowledged.
func (s *suite) shipped(b *testing.B, cores int) {
	b.Helper()
	cl := s.log(b)
	s.forget(b, cl)
	b.ResetTimer()
	cmd := s.start(b, cl, cores)
	s.follow(b, cl)
	b.StopTimer()
	stop(b, cmd)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds(), "elapsed-s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(cmd.CPU.Seconds()*1e6/float64(b.N), "cpu-s/M")
	b.ReportMetric(cmd.MiB, "peak-MiB")
	s.check(b, cl)
}

// forget makes the group's next member begin with the log, and the alerts topic
// empty.
func (s *suite) forget(b *testing.B, cl *broker.Client) {
	b.Helper()
	// A broker without any group has no coordinator.
	if _, err := kadm.NewClient(cl.Client).DeleteGroups(b.Context(), cl.Group("processor")); err != nil && broker.Classify(err) != broker.Retriable {
		b.Fatal(err)
	}
	ends, err := cl.EndOffsets(b.Context(), cl.Topics().Alerts)
	if err != nil {
		b.Fatal(err)
	}
	brokertest.Cut(b, cl, cl.Topics().Alerts, ends)
}

// check compares the alerts with what the bare loop finds, by number.
func (s *suite) check(b *testing.B, cl *broker.Client) {
	b.Helper()
	want := runBare(b, cl, 2).Windows
	ends, err := cl.EndOffsets(b.Context(), cl.Topics().Alerts)
	if err != nil {
		b.Fatal(err)
	}
	standing := make(map[string]event.Alert)
	err = cl.ReadLog(b.Context(), cl.Topics().Alerts, broker.Offsets{}, ends, func(r *kgo.Record) error {
		a, err := event.DecodeAlert(r.Value)
		if err == nil && a.Version >= standing[a.ID].Version {
			standing[a.ID] = a
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	got := 0
	for _, a := range standing {
		if a.Status != event.Retracted {
			got++
		}
	}
	if got != want {
		b.Errorf("%d windows have an alert; adding panes up finds %d", got, want)
	}
	b.ReportMetric(float64(got), "alerts")
}

// bareLoop runs the bare loop over everything.
func (s *suite) bareLoop(b *testing.B, cores int) {
	b.Helper()
	r := runBare(b, s.log(b), cores)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)/r.Seconds, "events/s")
	b.ReportMetric(r.CPU.Seconds()*1e6/float64(b.N), "cpu-s/M")
	b.ReportMetric(r.peakMiB, "peak-MiB")
}

// runBare runs the bare loop in a process of its own.
func runBare(b *testing.B, cl *broker.Client, cores int) bareResult {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self, bareLoopCommand, strings.Join(cl.Config().Brokers, ","), cl.Topics().Events)
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", cores))
	cmd.Stderr = os.Stderr
	out, ended, err := proctest.Output(cmd)
	if err != nil {
		b.Fatalf("the bare loop: %v", err)
	}
	var r bareResult
	if err := json.Unmarshal(out, &r); err != nil {
		b.Fatalf("the bare loop: %v: %s", err, out)
	}
	r.peakMiB = ended.MiB
	return r
}
