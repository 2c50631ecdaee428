package verify

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
	"clickstream/warehouse"
)

// statementTimeout is how long one of our statements may take. Without it an
// INSERT that reads what it stores would have the time of a single answer.
const statementTimeout = 30 * time.Minute

// defaultWait is how long Run waits for the mirror and the processor.
const defaultWait = time.Minute

// Config says what to verify.
type Config struct {
	Broker    *broker.Client
	Warehouse *warehouse.Warehouse
	Log       zerolog.Logger
	// Wait is how long the mirror and the processor may take to reach the end
	// offsets that the log has at the beginning; default one minute.
	Wait time.Duration
	// WaitFor, which may be nil, returns when the processor has counted the log
	// up to ends and its alerts are acknowledged, or when ctx ends. Where nothing
	// counts the rest of the log, it returns lower offsets: what comes after them
	// is left out.
	WaitFor func(ctx context.Context, ends broker.Offsets) (broker.Offsets, error)
	// Since leaves out what the log received before; the zero time leaves out
	// nothing.
	Since time.Time
	// Progress, which may be nil, is called as the steps go on.
	Progress func(Progress)
}

// Progress is how far a step has come.
type Progress struct {
	Step  string // what is being done
	Done  int64
	Total int64 // 0 where that is not known
}

//go:embed sql/*.sql
var files embed.FS

// Run verifies. An error means that it could not be found out whether log,
// tables and alerts agree; what was found is in the Report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Wait == 0 {
		cfg.Wait = defaultWait
	}
	begun := time.Now()
	v := &verification{Config: cfg, report: Report{Differences: []Finding{}, Notes: []Finding{}}, topics: cfg.Broker.Topics(), tables: newTables()}
	err := v.run(ctx)
	v.report.Elapsed = time.Since(begun)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // not what it made of a query that was under way
	}
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verification struct {
	Config
	client *ch.Client // of one server for all: the tables are on one
	topics broker.Topics
	tables tables
	state  state
	saved  state // what is kept of it
	// What is read of the topics: from the begins up to the ends.
	begins, ends                 broker.Offsets
	alertBegins, alertEnds       broker.Offsets
	rejectedBegins, rejectedEnds broker.Offsets
	rows, stored                 int64 // of event_log; of its view
	// The rule sets that are stored, and the event types that any of them counts.
	sets  *broker.RuleSets
	types []string
	// What is found of the log: how its rules change, by partition; the rules that
	// judge windows, and their definitions; the longest time that divides all slides.
	parts       map[int32]*following
	rules       []ruled
	definitions []string
	pane        int64 // ms
	progress    Progress
	report      Report
}

func (v *verification) run(ctx context.Context) (err error) {
	if err := v.fixTheEnd(ctx); err != nil {
		return err
	}
	if v.client, err = v.Warehouse.Dial(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeClient(v.client)) }()
	resumed, err := v.resume(ctx)
	if err != nil {
		return err
	}
	if err := v.dropAbandoned(ctx); err != nil {
		return err
	}
	// Before anything is made, so that whatever is made is dropped.
	defer func() {
		if ctx.Err() != nil && v.release(ctx) == nil {
			return // the next run goes on from here
		}
		err = errors.Join(err, v.drop(ctx))
	}()
	if resumed {
		v.step("going on with an interrupted run", 0)
	} else if err := v.begin(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		v.store, v.readLog, v.judge, v.copies, v.differences, v.ids, v.rejectedLog,
		v.followRules, v.countWindows, v.alerts, v.episodes, v.unlikeGroupBy, v.alertVersions, v.rejectedTopic, v.gaps,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := v.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// begin makes the tables of a new run.
func (v *verification) begin(ctx context.Context) error {
	v.state = state{storedTo: -1, next: make(broker.Offsets), lastValues: make(broker.Offsets)}
	for p := range v.ends {
		v.state.next[p], v.state.lastValues[p] = v.begins[p], -1
	}
	if err := v.create(ctx); err != nil {
		return err
	}
	return v.save(ctx)
}

// closeClient closes a client that an end of a context may have closed already.
func closeClient(client *ch.Client) error {
	if client.IsClosed() {
		return nil
	}
	return client.Close()
}

// step begins one that has so much to do, or 0 where that is not known.
func (v *verification) step(name string, total int64) {
	v.progress = Progress{Step: name, Total: total}
	v.advance(0)
}

func (v *verification) advance(by int64) {
	v.progress.Done += by
	if v.Progress != nil {
		v.Progress(v.progress)
	}
}

// fixTheEnd says up to where the log is verified, and waits until the tables
// and the alerts are there.
func (v *verification) fixTheEnd(ctx context.Context) (err error) {
	if v.begins, v.ends, err = v.span(ctx, v.topics.Events); err != nil {
		return err
	}
	v.report.Begins, v.report.Ends = v.begins, v.ends
	if err := v.readSets(ctx); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, v.Wait)
	defer cancel()
	stored := func(topic string, ends broker.Offsets) error {
		err := v.Warehouse.WaitStored(wait, v.Broker, topic, ends, nil)
		if err != nil && wait.Err() != nil && ctx.Err() == nil {
			return fmt.Errorf("the mirror has not stored topic %s within %s: is it running? Not stored yet: %s", topic, v.Wait, v.missing(ctx, topic, ends))
		}
		return err
	}
	if err := stored(v.topics.Events, v.ends); err != nil {
		return err
	}
	if v.WaitFor != nil {
		counted, err := v.WaitFor(wait, v.ends)
		if err != nil && wait.Err() != nil && ctx.Err() == nil {
			return fmt.Errorf("the processor has not counted the log within %s: is it running? %w", v.Wait, err)
		}
		if err != nil {
			return fmt.Errorf("look up what the processor has counted: %w", err)
		}
		v.leaveOut(counted)
	}
	// What comes of the log is on these topics by now.
	if v.alertBegins, v.alertEnds, err = v.span(ctx, v.topics.Alerts); err != nil {
		return err
	}
	if v.rejectedBegins, v.rejectedEnds, err = v.span(ctx, v.topics.Rejected); err != nil {
		return err
	}
	if err := stored(v.topics.Alerts, v.alertEnds); err != nil {
		return err
	}
	return stored(v.topics.Rejected, v.rejectedEnds)
}

// readSets reads the rule sets. Each is stored before it is put in force, so all
// those of the log up to its end are there.
func (v *verification) readSets(ctx context.Context) (err error) {
	if v.sets, err = v.Broker.RuleSets(ctx); err != nil {
		return fmt.Errorf("read the rule sets: %w", err)
	}
	v.types = rules.Default().Types()
	for _, set := range v.sets.Sets() {
		for _, t := range set.Types() {
			if !slices.Contains(v.types, t) {
				v.types = append(v.types, t)
			}
		}
	}
	slices.Sort(v.types)
	return nil
}

// leaveOut ends the comparison where the processor has counted up to.
func (v *verification) leaveOut(counted broker.Offsets) {
	left := Finding{Kind: "records_not_counted", Samples: []string{}}
	for p, end := range v.ends {
		to := min(end, max(counted[p], v.begins[p]))
		left.Total += uint64(end - to)
		v.ends[p] = to
	}
	if left.Total > 0 {
		v.report.Notes = append(v.report.Notes, left)
	}
}

// span is what is read of a topic.
func (v *verification) span(ctx context.Context, topic string) (begins, ends broker.Offsets, err error) {
	if begins, err = v.Broker.StartOffsets(ctx, topic); err != nil {
		return nil, nil, err
	}
	if ends, err = v.Broker.EndOffsets(ctx, topic); err != nil {
		return nil, nil, err
	}
	if v.Since.IsZero() {
		return begins, ends, nil
	}
	since, err := v.Broker.OffsetsSince(ctx, topic, v.Since)
	if err != nil {
		return nil, nil, err
	}
	for p := range begins {
		// Where nothing came since, nothing is read.
		begins[p] = min(ends[p], max(begins[p], since[p]))
	}
	return begins, ends, nil
}

// params are the parameters of all our statements; each uses some.
func (v *verification) params() []any {
	all := []any{
		clickhouse.Named("starts", listOf(v.begins)), clickhouse.Named("ends", listOf(v.ends)),
		clickhouse.Named("alert_starts", listOf(v.alertBegins)), clickhouse.Named("alert_ends", listOf(v.alertEnds)),
		clickhouse.Named("rejected_starts", listOf(v.rejectedBegins)), clickhouse.Named("rejected_ends", listOf(v.rejectedEnds)),
		clickhouse.Named("topic", v.topics.Events), clickhouse.Named("types", v.types),
		clickhouse.Named("rules", v.definitions), clickhouse.Named("pane", v.pane),
	}
	for _, table := range ours {
		all = append(all, clickhouse.Named(table, v.tables.name(table)))
	}
	return all
}

// text is that of a statement, with what is filled in, in pairs of old and new.
func (v *verification) text(file string, fill ...string) (string, error) {
	text, err := files.ReadFile("sql/" + file + ".sql")
	return strings.NewReplacer(fill...).Replace(string(text)), err
}

func (v *verification) exec(ctx context.Context, file string, more ...any) error {
	text, err := v.text(file)
	if err != nil {
		return err
	}
	return v.execText(ctx, file, text, more...)
}

// execText executes the text of a file, in which something may be filled in.
func (v *verification) execText(ctx context.Context, file, text string, more ...any) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	if err := v.Warehouse.Conn().Exec(ctx, text, append(v.params(), more...)...); err != nil {
		return fmt.Errorf("run %s.sql: %w", file, err)
	}
	return nil
}

// query calls each with the scan function of every row.
func (v *verification) query(ctx context.Context, file string, each func(scan func(...any) error) error, more ...any) (err error) {
	text, err := v.text(file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	rows, err := v.Warehouse.Conn().Query(ctx, text, append(v.params(), more...)...)
	if err != nil {
		return fmt.Errorf("run %s.sql: %w", file, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return fmt.Errorf("read the answer of %s.sql: %w", file, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("run %s.sql: %w", file, err)
	}
	return nil
}

// partitionsOf lists them in their order.
func partitionsOf(offsets broker.Offsets) []int32 {
	var all []int32
	for p := range offsets {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}
