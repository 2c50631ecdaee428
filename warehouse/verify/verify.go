package verify

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/warehouse"
)

// defaultWait is how long Run waits for the mirror and the processor.
const defaultWait = time.Minute

// Config says what to verify.
type Config struct {
	Broker    *broker.Client
	Warehouse *warehouse.Warehouse
	Rule      event.Rule // its confirmed alerts are compared
	Log       zerolog.Logger
	// Wait is how long the mirror and the processor may take to reach the end
	// offsets that the log has at the beginning; default one minute.
	Wait time.Duration
	// WaitFor, which may be nil, returns when the processor has counted the log
	// up to ends and its alerts are acknowledged, or when ctx ends.
	WaitFor func(ctx context.Context, ends broker.Offsets) error
}

//go:embed sql/*.sql
var files embed.FS

// Run verifies. An error means that it could not be found out whether log,
// tables and alerts agree; what was found is in the Report.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if cfg.Wait == 0 {
		cfg.Wait = defaultWait
	}
	if err := cfg.Rule.Validate(); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	begun := time.Now()
	name := "verify_log_" + strings.ToLower(rand.Text()[:12])
	v := &verification{Config: cfg, report: Report{Differences: []Finding{}, Notes: []Finding{}}, topics: cfg.Broker.Topics(), table: name, counted: name + "_counted"}
	err := v.run(ctx)
	v.report.Elapsed = time.Since(begun)
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verification struct {
	Config
	topics  broker.Topics
	table   string // the log as read
	counted string // and with its watermarks
	starts  broker.Offsets
	ends    broker.Offsets
	report  Report
}

func (v *verification) run(ctx context.Context) (err error) {
	if err := v.fixTheEnd(ctx); err != nil {
		return err
	}
	// Before anything is made, so that whatever is made is dropped.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		for _, table := range []string{v.counted, v.table} {
			err = errors.Join(err, v.Warehouse.Conn().Exec(ctx, "DROP TABLE IF EXISTS "+table+" SYNC"))
		}
	}()
	if err := v.exec(ctx, "create"); err != nil {
		return err
	}
	if err := v.readLog(ctx); err != nil {
		return err
	}
	if err := v.exec(ctx, "watermarks"); err != nil {
		return err
	}
	for _, compare := range []func(context.Context) error{v.copies, v.identities, v.invalid, v.alerts, v.unlikeGroupBy} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fixTheEnd says up to where the log is verified, and waits until the tables
// and the alerts are there.
func (v *verification) fixTheEnd(ctx context.Context) (err error) {
	if v.starts, err = v.Broker.StartOffsets(ctx, v.topics.Events); err != nil {
		return err
	}
	if v.ends, err = v.Broker.EndOffsets(ctx, v.topics.Events); err != nil {
		return err
	}
	v.report.Ends = v.ends
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
		if err := v.WaitFor(wait, v.ends); err != nil {
			return fmt.Errorf("the processor has not counted the log within %s: is it running? %w", v.Wait, err)
		}
	}
	// What comes of the log is on these topics by now.
	for _, topic := range []string{v.topics.Alerts, v.topics.Rejected} {
		ends, err := v.Broker.EndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		if err := stored(topic, ends); err != nil {
			return err
		}
	}
	return nil
}

// params are the parameters of all our statements; each uses some.
func (v *verification) params() []any {
	list := func(offsets broker.Offsets) []int64 {
		all := make([]int64, len(v.ends))
		for p := range all {
			all[p] = offsets[int32(p)]
		}
		return all
	}
	r := v.Rule
	return []any{
		clickhouse.Named("table", v.table), clickhouse.Named("counted", v.counted),
		clickhouse.Named("starts", list(v.starts)), clickhouse.Named("ends", list(v.ends)),
		clickhouse.Named("topic", v.topics.Events), clickhouse.Named("rule", r.String()),
		clickhouse.Named("window", r.Window.Milliseconds()), clickhouse.Named("slide", r.Slide.Milliseconds()),
		clickhouse.Named("lateness", r.Lateness.Milliseconds()),
		clickhouse.Named("views_over", r.ViewsOver), clickhouse.Named("purchases_under", r.PurchasesUnder),
	}
}

func (v *verification) exec(ctx context.Context, file string) error {
	text, err := files.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return err
	}
	if err := v.Warehouse.Conn().Exec(ctx, string(text), v.params()...); err != nil {
		return fmt.Errorf("run %s.sql: %w", file, err)
	}
	return nil
}

// query calls each with the scan function of every row.
func (v *verification) query(ctx context.Context, file string, each func(scan func(...any) error) error, more ...any) (err error) {
	text, err := files.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return err
	}
	rows, err := v.Warehouse.Conn().Query(ctx, string(text), append(v.params(), more...)...)
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
