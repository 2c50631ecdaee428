package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/processor"
	"clickstream/warehouse"
)

type analyzeCmd struct {
	fileFlags
	Output   string `enum:"text,json" default:"text" help:"text, or json: one document on standard output and nothing else."`
	DataDir  string `placeholder:"DIR" help:"Keep the log and the tables in this folder, and add to what is in it (default: a temporary folder)."`
	Keep     bool   `help:"Keep the temporary folder."`
	LogLevel string `enum:"debug,info,warn,error" default:"warn" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
	orderFlags
	ruleFlags
	zoneFlag
	clickhouseFlags
}

func (analyzeCmd) Help() string {
	return `The file's events go through the whole pipeline: onto an event log, from there into ClickHouse and through the
processor. At the end of the file all windows are closed, and the jobs run for every day in it.

Examples:
  clickstream analyze clicks.csv
  clickstream analyze --views-over 10 --purchases-under 1 2019-Oct.csv.gz
  zcat clicks.jsonl.gz | clickstream analyze --output json -

` + formatsHelp() + `

All files together are appended in the order of event time. Files that are out of order by more than the
lateness are sorted first, in temporary files where they do not fit in memory.
The log is always embedded and made for this command, so that the files never mix with a shop's events. With
--clickhouse-addr the tables are made in a database of their own there; it is dropped at the end, unless
you name one with --clickhouse-database.
A folder given with --data-dir is kept, and the next analyze adds to it. A file that was analyzed in it before
adds nothing.`
}

// analysis is what analyze found. Its JSON is a contract with those who read
// it by machine.
type analysis struct {
	Events         eventCounts   `json:"events"`
	EventLogRows   uint64        `json:"event_log_rows"`
	Alerts         []foundAlert  `json:"alerts"`
	Days           []jobs.Report `json:"days"`
	ElapsedSeconds float64       `json:"elapsed_seconds"`

	imported ingest.Report
	set      *rules.Set // in force on the log
	zone     *time.Location
}

// eventCounts are of this run: read = accepted + rejected, and the others are
// among the accepted.
type eventCounts struct {
	Read       int64 `json:"read"`
	Accepted   int64 `json:"accepted"`
	Rejected   int64 `json:"rejected"`
	Duplicates int64 `json:"duplicates"`
	Late       int64 `json:"late"`
	Future     int64 `json:"future"`
	// Unremembered are those whose id or product the processor did not remember.
	Unremembered int64 `json:"unremembered,omitempty"`
}

type foundAlert struct {
	Rule           string    `json:"rule" ch:"rule"`
	EpisodeID      string    `json:"episode_id" ch:"episode_id"`
	ProductID      string    `json:"product_id" ch:"product_id"`
	WindowStart    time.Time `json:"window_start" ch:"window_start"`
	WindowEnd      time.Time `json:"window_end" ch:"window_end"`
	Views          uint64    `json:"views" ch:"views"`
	Purchases      uint64    `json:"purchases" ch:"purchases"`
	ConversionRate float64   `json:"conversion_rate" ch:"conversion_rate"`
	Status         string    `json:"status" ch:"status"`
}

func (c *analyzeCmd) Run(ctx context.Context, t *terminal) (err error) {
	started := time.Now()
	set, err := c.set(t.in)
	if err != nil {
		return err
	}
	lateness := rules.Default().Lateness()
	if set != nil {
		lateness = set.Lateness()
	}
	zone, err := c.location()
	if err != nil {
		return err
	}
	if err := (&engineFlags{clickhouseFlags: c.clickhouseFlags}).check(); err != nil {
		return err
	}
	s := t.status()
	defer s.clear()
	files, err := c.open(ctx, t, s, c.orderFlags, lateness)
	if err != nil {
		return err
	}
	defer files.Close()
	dir := c.DataDir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "clickstream-analyze-"); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		if c.Keep {
			defer func() {
				t.say("The data is kept in %s. To add files to it: clickstream analyze --data-dir %s FILE", dir, dir)
			}()
		} else {
			defer os.RemoveAll(dir)
		}
	}
	log := t.logger(c.LogLevel)
	dropDatabase := c.ownDatabase()
	if c.DataDir == "" && !c.Keep {
		c.ClickhouseFsync = false // what is dropped at the end need not survive a power cut
	}
	eng, err := openEngines(ctx, t, &engineFlags{kafkaFlags{KafkaPartitions: broker.DefaultPartitions}, c.clickhouseFlags}, dir, instance.StartAlone, log)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	p, err := instance.OpenPipeline(ctx, eng, log)
	if err != nil {
		return err
	}
	defer p.Close()
	if dropDatabase {
		defer closing(&err, func() error { return p.Warehouse.DropDatabase(context.WithoutCancel(ctx)) })
	}

	if set, err = putRules(ctx, p, set); err != nil {
		return err
	}
	found := &analysis{Alerts: []foundAlert{}, Days: []jobs.Report{}, set: set, zone: zone}
	if err := found.run(ctx, t, s, p, files, log); err != nil {
		return err
	}
	found.ElapsedSeconds = time.Since(started).Round(time.Millisecond).Seconds()
	if c.Output == "json" {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false) // rules are for people to read
		err = enc.Encode(found)
	} else {
		err = found.print(t.out)
	}
	return errors.Join(err, damage(found.imported))
}

// putRules puts the set in force before there are events. Where none is given, it
// returns the one in force.
func putRules(ctx context.Context, p *instance.Pipeline, set *rules.Set) (*rules.Set, error) {
	if set != nil {
		_, err := p.Broker.ApplyRules(ctx, set, time.Now())
		return set, err
	}
	return rulesInForce(ctx, p)
}

// rulesInForce is the set that judges the newest windows.
func rulesInForce(ctx context.Context, p *instance.Pipeline) (*rules.Set, error) {
	sets, err := p.Broker.RuleSets(ctx)
	if err != nil {
		return nil, err
	}
	return sets.Lookup(sets.InForceNow(0))
}

// ownDatabase names a database for this analysis alone on a ClickHouse that is
// not embedded, and says whether it did. Tables that stayed would belong to
// another log than the next analysis has, which refuses such tables; and a
// shop's own tables must not be mixed with a file's.
func (c *analyzeCmd) ownDatabase() bool {
	if len(c.ClickhouseAddr) == 0 || c.DataDir != "" || c.ClickhouseDatabase != warehouse.DefaultDatabase {
		return false
	}
	c.ClickhouseDatabase = fmt.Sprintf("clickstream_analyze_%d_%d", os.Getpid(), time.Now().UnixNano())
	return true
}

// closing runs a closer at the end and reports its error if there is no other.
func closing(err *error, closer func() error) {
	if closeErr := closer(); *err == nil {
		*err = closeErr
	}
}

// run sends the files through the roles and reads what came out.
func (a *analysis) run(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, files *ingest.Import, log zerolog.Logger) error {
	before, err := p.Broker.EndOffsets(ctx, p.Broker.Topics().Events)
	if err != nil {
		return fmt.Errorf("read the log's end offsets: %w", err)
	}
	r := p.NewRoles(ctx)
	defer func() { _ = r.Stop() }()
	r.RunMirror()
	var aside leftOut
	if err := r.RunProcessor(processor.Config{CountFrom: before, OnLeftOut: aside.add}); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return a.through(ctx, t, s, p, r, files) },
		func(ctx context.Context) (err error) {
			a.Events.Late, a.Events.Future, err = aside.events(ctx, p)
			return err
		},
		func(ctx context.Context) error { return a.readTables(ctx, p, before) },
		func(ctx context.Context) error { return a.runJobs(ctx, p, s, log) },
	} {
		if err := step(r.Context()); err != nil {
			return r.Explain(err)
		}
	}
	return r.Stop()
}

// through imports the files, closes all windows and waits until everything is
// stored.
func (a *analysis) through(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, r *instance.Roles, files *ingest.Import) error {
	report, err := runImport(ctx, t, s, p, files)
	if err != nil {
		return err
	}
	a.imported = report
	a.Events = eventCounts{Read: report.Read, Accepted: report.Accepted, Rejected: report.Rejected}
	s.set("closing windows")
	if err := r.Processor().CloseWindows(ctx); err != nil {
		return fmt.Errorf("close the windows: %w", err)
	}
	counted := r.Processor().Stats()
	a.Events.Unremembered = counted.Unremembered()
	return p.WaitStored(ctx, func(left int64) { s.set("storing: %s records to go", count(left)) })
}

// runImport runs an import with a progress line.
func runImport(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, files *ingest.Import) (ingest.Report, error) {
	producer, err := ingest.NewProducer(ctx, p.Broker, p.Log, ingest.Bulk())
	if err != nil {
		return ingest.Report{}, err
	}
	defer producer.Close()
	report, err := files.Run(ctx, producer)
	s.clear()
	if err != nil && ctx.Err() != nil && report.Read > 0 {
		t.say("stopped: %s of %s rows read are on the log; importing the same files again adds only what is missing",
			count(report.Accepted), count(report.Read))
	}
	return report, err
}

func (a *analysis) readTables(ctx context.Context, p *instance.Pipeline, before broker.Offsets) error {
	starts := make([]int64, len(before))
	for partition, offset := range before {
		starts[partition] = offset
	}
	conn := p.Warehouse.Conn()
	var added uint64
	if err := conn.QueryRow(ctx, query("analyze_rows"), clickhouse.Named("starts", starts)).Scan(&a.EventLogRows, &added); err != nil {
		return fmt.Errorf("count the events: %w", err)
	}
	a.Events.Duplicates = a.Events.Accepted - int64(added)
	var definitions []string
	for i := range a.set.Rules() {
		definitions = append(definitions, a.set.Definition(i))
	}
	if err := conn.Select(ctx, &a.Alerts, query("analyze_alerts"), clickhouse.Named("rules", definitions)); err != nil {
		return fmt.Errorf("read the alerts: %w", err)
	}
	return nil
}

func (a *analysis) runJobs(ctx context.Context, p *instance.Pipeline, s *status, log zerolog.Logger) error {
	runner, err := jobs.New(jobs.Config{Warehouse: p.Warehouse, Broker: p.Broker, Location: a.zone, Log: log})
	if err != nil {
		return err
	}
	days, err := runner.Days(ctx)
	if err != nil {
		return err
	}
	_, err = runner.RunDays(ctx, jobs.Backfilling{Days: days, Trigger: jobs.Manual,
		Progress: func(done, total int, run jobs.Run) {
			s.set("jobs %s  %s for %s", bar(int64(done), int64(total)), run.Job, run.Day)
		}})
	if err != nil {
		return err
	}
	s.clear()
	for _, day := range days {
		report, err := runner.Report(ctx, day)
		if err != nil {
			return err
		}
		a.Days = append(a.Days, report)
	}
	return nil
}
