package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/processor"
	"clickstream/warehouse"
)

type analyzeCmd struct {
	Files    []string `arg:"" placeholder:"FILE" help:"Files of events, plain, .gz or .zst; - is standard input."`
	Format   string   `default:"auto" placeholder:"NAME" help:"Format of the files: auto (found from the first lines), or one of ${formats}."`
	Output   string   `enum:"text,json" default:"text" help:"text, or json: one document on standard output and nothing else."`
	DataDir  string   `placeholder:"DIR" help:"Keep the log and the tables in this folder, and go on with what is in it (default: a temporary folder)."`
	Keep     bool     `help:"Keep the temporary folder."`
	LogLevel string   `enum:"debug,info,warn,error" default:"warn" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
	ruleFlags
	zoneFlag
	clickhouseFlags
}

func (analyzeCmd) Help() string {
	return `The file goes the way every event goes: onto the log, from there into ClickHouse and through the
processor; at its end all windows are closed and the jobs run for every day in it.

Examples:
  clickstream analyze clicks.csv
  clickstream analyze --views-over 10 --purchases-under 1 2019-Oct.csv.gz
  zcat clicks.jsonl.gz | clickstream analyze --output json -

` + formatsHelp() + `

Give several files the oldest first: an event that comes after its windows have closed is late.
The log is always embedded and made for this command, so that the files never mix with a shop's events. With
--clickhouse-addr the tables are made in a database of their own there; it is dropped at the end, unless
you name one with --clickhouse-database.
A folder given with --data-dir stays, and the next analyze goes on with it: a file that is in it already
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

	byReason map[event.Reason]int64
	rejected []rejectedRow // the latest
}

// rejectedRow is a row of a file that broke a rule.
type rejectedRow struct {
	File    string `ch:"origin"`
	Line    int64  `ch:"origin_position"`
	Reason  string `ch:"reason"`
	Field   string `ch:"field"`
	Message string `ch:"message"`
	Value   string `ch:"value"`
}

// eventCounts are of this run: read = accepted + rejected, and duplicates are
// among the accepted.
type eventCounts struct {
	Read       int64 `json:"read"`
	Accepted   int64 `json:"accepted"`
	Rejected   int64 `json:"rejected"`
	Duplicates int64 `json:"duplicates"`
	Late       int64 `json:"late"`
	Future     int64 `json:"future"`
}

type foundAlert struct {
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
	rule, err := c.rule()
	if err != nil {
		return err
	}
	zone, err := c.location()
	if err != nil {
		return err
	}
	if err := errors.Join(checkFormat(c.Format), checkFiles(c.Files)); err != nil {
		return err
	}
	dir := c.DataDir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "clickstream-analyze-"); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		if c.Keep {
			defer func() { t.say("kept in %s; go on with it: clickstream analyze --data-dir %s FILE", dir, dir) }()
		} else {
			defer os.RemoveAll(dir)
		}
	}
	log := t.logger(c.LogLevel)
	dropDatabase := c.ownDatabase()
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

	found, err := c.analyze(ctx, t, p, rule, zone, log)
	if err != nil {
		return err
	}
	found.ElapsedSeconds = time.Since(started).Seconds()
	if c.Output == "json" {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(found)
	}
	return found.print(t.out, rule)
}

// ownDatabase names a database for one analysis on somebody's ClickHouse, and
// says whether it did. The tables of a log that is gone would be in the way of
// the next one, and a shop's own are not to be mixed with a file's.
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

// analyze sends the files through the roles and reads what came out.
func (c *analyzeCmd) analyze(ctx context.Context, t *terminal, p *instance.Pipeline, rule event.Rule, zone *time.Location, log zerolog.Logger) (*analysis, error) {
	before, err := p.Broker.EndOffsets(ctx, p.Broker.Topics().Events)
	if err != nil {
		return nil, fmt.Errorf("read the log's end offsets: %w", err)
	}
	r := p.NewRoles(ctx)
	defer func() { _ = r.Stop() }()
	r.RunMirror()
	var aside leftOut
	if err := r.RunProcessor(processor.Config{Rule: rule, CountFrom: before, OnLeftOut: aside.add}); err != nil {
		return nil, err
	}
	s := t.status()
	defer s.clear()
	found, err := c.through(r.Context(), t, s, p, r)
	if err != nil {
		return nil, r.Explain(err)
	}
	if found.Events.Late, found.Events.Future, err = aside.events(r.Context(), p); err != nil {
		return nil, r.Explain(err)
	}
	if err := found.readTables(r.Context(), p, rule, before); err != nil {
		return nil, r.Explain(err)
	}
	if err := found.runJobs(r.Context(), p, zone, s, log); err != nil {
		return nil, r.Explain(err)
	}
	return found, r.Stop()
}

// through imports the files, closes all windows and waits until everything is
// stored.
func (c *analyzeCmd) through(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, r *instance.Roles) (*analysis, error) {
	report, err := importFiles(ctx, t, s, p, c.Files, c.Format)
	if err != nil {
		return nil, err
	}
	s.set("closing windows")
	if err := r.Processor().CloseWindows(ctx); err != nil {
		return nil, fmt.Errorf("close the windows: %w", err)
	}
	if err := p.WaitStored(ctx, func(left int64) { s.set("storing: %s records to go", count(left)) }); err != nil {
		return nil, err
	}
	return &analysis{
		Events:   eventCounts{Read: report.Read, Accepted: report.Accepted, Rejected: report.Rejected},
		byReason: report.ByReason,
		Alerts:   []foundAlert{}, Days: []jobs.Report{},
	}, nil
}

// importFiles is an import with a progress bar.
func importFiles(ctx context.Context, t *terminal, s *status, p *instance.Pipeline, files []string, format string) (ingest.Report, error) {
	producer, err := ingest.NewProducer(ctx, p.Broker, p.Log, ingest.Bulk())
	if err != nil {
		return ingest.Report{}, err
	}
	defer producer.Close()
	report, err := ingest.ImportFiles(ctx, ingest.Options{
		Paths: files, Format: format, Producer: producer, Stdin: t.in,
		Progress: func(p ingest.Progress) {
			s.set("%s %s  %s rows, %s/s", p.Path, bar(p.Bytes, p.TotalBytes), count(p.Read), count(int64(p.EventsPerSecond())))
		},
	})
	s.clear()
	if err != nil && ctx.Err() != nil && report.Read > 0 {
		t.say("stopped: %s of %s rows read are on the log; importing the same files again adds only what is missing",
			count(report.Accepted), count(report.Read))
	}
	return report, err
}

func (a *analysis) readTables(ctx context.Context, p *instance.Pipeline, rule event.Rule, before broker.Offsets) error {
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
	if err := conn.Select(ctx, &a.Alerts, query("analyze_alerts"), clickhouse.Named("rule", rule.String())); err != nil {
		return fmt.Errorf("read the alerts: %w", err)
	}
	if a.Events.Rejected > 0 {
		if err := conn.Select(ctx, &a.rejected, query("analyze_rejected")); err != nil {
			return fmt.Errorf("read the rejected rows: %w", err)
		}
	}
	return nil
}

func (a *analysis) runJobs(ctx context.Context, p *instance.Pipeline, zone *time.Location, s *status, log zerolog.Logger) error {
	runner, err := jobs.New(jobs.Config{Warehouse: p.Warehouse, Broker: p.Broker, Location: zone, Log: log})
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

// print is the analysis for people.
func (a *analysis) print(w io.Writer, rule event.Rule) error {
	fmt.Fprintf(w, "Flash-sale alerts: more than %d views and fewer than %d purchases within %s\n",
		rule.ViewsOver, rule.PurchasesUnder, rule.Window)
	switch {
	case a.EventLogRows == 0:
		fmt.Fprintln(w, "  none: there are no events")
	case len(a.Alerts) == 0:
		fmt.Fprintln(w, "  none; try lower thresholds with --views-over and --purchases-under")
	default:
		var rows [][]string
		for _, al := range a.Alerts {
			rows = append(rows, []string{al.ProductID, al.WindowStart.UTC().Format(time.RFC3339), al.WindowEnd.UTC().Format(time.RFC3339),
				count(al.Views), count(al.Purchases), fmt.Sprintf("%.2f%%", al.ConversionRate)})
		}
		table(w, []string{"PRODUCT", "FROM", "TO", "VIEWS", "PURCHASES", "CONVERSION"}, rows)
	}
	for _, day := range a.Days {
		fmt.Fprintln(w)
		if err := day.Text(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\n%s rows read: %s accepted (%s duplicates, %s late, %s future), %s rejected\n",
		count(a.Events.Read), count(a.Events.Accepted), count(a.Events.Duplicates), count(a.Events.Late), count(a.Events.Future), count(a.Events.Rejected))
	if a.Events.Rejected > 0 {
		fmt.Fprintf(w, "\nRejected: %s\n", reasons(a.byReason))
		var rows [][]string
		for _, r := range a.rejected {
			rows = append(rows, []string{fmt.Sprintf("%s:%d", r.File, r.Line), r.Reason, r.Field, r.Message, fmt.Sprintf("%.60q", r.Value)})
		}
		table(w, []string{"WHERE", "REASON", "FIELD", "WHAT IS WRONG", "THE ROW"}, rows)
		fmt.Fprintln(w)
	}
	if a.Events.Late > 0 {
		fmt.Fprintln(w, "Late events came after their windows had closed: they are in the reports, not in the alerts; --lateness waits longer.")
	}
	fmt.Fprintf(w, "%s events stored, %s alerts, %s days; %.1f s\n", count(a.EventLogRows), count(len(a.Alerts)), count(len(a.Days)), a.ElapsedSeconds)
	return nil
}
