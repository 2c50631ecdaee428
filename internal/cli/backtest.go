package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/processor/backtest"
	"clickstream/warehouse/replay"
)

type alertsBacktestCmd struct {
	Rules  string    `placeholder:"FILE" help:"The rules file, YAML; - for standard input. Without one it is the flags' rule."`
	From   *jobs.Day `placeholder:"DATE" help:"The first day, as in 2026-11-01 (default: the first that is held)."`
	To     *jobs.Day `placeholder:"DATE" help:"The last day, included (default: the last that is held)."`
	Sweep  string    `placeholder:"NAME=LEAST..MOST" help:"Try several numbers in the rule's condition, as in views=50..200 or, with a step, views=50..200/10."`
	Output string    `enum:"text,json" default:"text" help:"text, or json: one document on standard output."`
	saleFlags
	zoneFlag
	folderFlags
	engineFlags
}

func (alertsBacktestCmd) Help() string {
	return `Says which alerts rules would have raised on past days, counted by the processor's own code: alerts and episodes of
each day, the busiest products, and how many notices people would have got. Nothing is written: no alert, no commit.
The rules that were in force on these days do not matter.

It reads the event log where that still holds the days, and else the table event_log; the output says which. A day
begins in the shop's time zone, and an alert is of the day on which its window begins.

--sweep reads the days once and prints a line for each number, to choose a threshold from: with views=50..200 the
number that the condition of the one rule compares with views takes the values from 50 to 200.

Examples:
  clickstream alerts backtest --rules rules.yaml --from 2026-11-20 --to 2026-11-26
  clickstream alerts backtest --views-over 50 --from 2026-11-26
  clickstream alerts backtest --rules rules.yaml --sweep views=50..200/25 --output json`
}

// backtested is what alerts backtest prints.
type backtested struct {
	backtest.Result
	swept *backtest.Sweep
	zone  *time.Location
	sets  []*rules.Set
}

func (c *alertsBacktestCmd) Run(ctx context.Context, t *terminal) error {
	b, span, err := c.plan(t)
	if err != nil {
		return err
	}
	// No role runs for it, not even the mirror: nothing is to be written.
	eng, err := openEngines(ctx, t, &c.engineFlags, c.DataDir, instance.JoinOrOpen, t.logger(c.LogLevel))
	if err != nil {
		return err
	}
	err = c.on(ctx, t, eng, &b, span)
	if err := errors.Join(err, eng.Close()); err != nil {
		if ctx.Err() != nil {
			t.say("The backtest was interrupted. Nothing was written.")
			return silentError{}
		}
		return err
	}
	if c.Output == "json" {
		return b.printJSON(t)
	}
	b.print(t)
	return nil
}

// plan reads what the flags ask for.
func (c *alertsBacktestCmd) plan(t *terminal) (b backtested, span backtest.Span, err error) {
	if b.zone, err = c.location(); err != nil {
		return b, span, err
	}
	var from, to *time.Time
	if c.From != nil {
		begin, _ := c.From.Bounds(b.zone)
		from = &begin
	}
	if c.To != nil {
		_, end := c.To.Bounds(b.zone)
		to = &end
	}
	if c.From != nil && c.To != nil && *c.To < *c.From {
		return b, span, usagef("to is %s, before from, which is %s", c.To, c.From)
	}
	set, err := c.set(t)
	if err != nil {
		return b, span, err
	}
	b.sets = []*rules.Set{set}
	if c.Sweep != "" {
		sweep, err := backtest.ParseSweep(c.Sweep)
		if err != nil {
			return b, span, usageError{err}
		}
		if b.sets, err = sweep.Sets(set); err != nil {
			return b, span, usageError{err}
		}
		b.swept = &sweep
	}
	return b, backtest.SpanOf(from, to, b.sets), nil
}

// set is the rule set of the file, or that of the flags' rule.
func (c *alertsBacktestCmd) set(t *terminal) (*rules.Set, error) {
	set, err := ruleFlags{Rules: c.Rules, saleFlags: c.saleFlags}.set(t.in)
	if err == nil && set == nil {
		set = rules.Default()
	}
	return set, err
}

// on runs the backtest on the engines.
func (c *alertsBacktestCmd) on(ctx context.Context, t *terminal, eng *instance.Engines, b *backtested, span backtest.Span) error {
	p, err := instance.JoinPipeline(ctx, eng, t.logger(c.LogLevel))
	if err != nil {
		return err
	}
	defer p.Close()
	s := t.status()
	defer s.clear()
	source, err := pastDays(ctx, p, span)
	if err != nil {
		return err
	}
	hashKey, err := p.Broker.HashKey(ctx)
	if err != nil {
		return err
	}
	b.Result, err = backtest.Run(ctx, backtest.Config{
		Sets: b.sets, Span: span, Zone: b.zone, Source: source, HashKey: hashKey,
		Progress: func(done, total int64) {
			s.set("%s  reading %s records of %s", bar(done, total), count(total), sourceNames[source.Name])
		},
	})
	if err != nil {
		return err
	}
	if b.Events == 0 {
		return noPastEvents(ctx, p, span)
	}
	return nil
}

// pastDays is the log where it holds the span, and else the table.
func pastDays(ctx context.Context, p *instance.Pipeline, span backtest.Span) (backtest.Source, error) {
	log, whole, err := backtest.Log(ctx, p.Broker, span)
	if err != nil || whole {
		return log, err
	}
	h, err := replay.Open(ctx, p.Warehouse, span.First(), span.Last())
	if err != nil || len(h.Partitions) == 0 {
		return log, err // what is left on the log is all that there is
	}
	table := backtest.Source{Name: "table"}
	numbers := make(map[int32]replay.Partition)
	for _, of := range h.Partitions {
		numbers[of.Number] = of
		table.Portions = append(table.Portions, backtest.Portion{Partition: of.Number, To: of.Last + 1, Records: of.Rows})
	}
	table.Read = func(ctx context.Context, portion backtest.Portion, p *backtest.Partition) error {
		return h.Read(ctx, numbers[portion.Partition], p.Event)
	}
	return table, nil
}

// noPastEvents says which events there are in place of those of the span.
func noPastEvents(ctx context.Context, p *instance.Pipeline, span backtest.Span) error {
	asked := "no events"
	if span.From != nil {
		asked += " from " + span.From.Format(time.RFC3339)
	}
	if span.To != nil {
		asked += " before " + span.To.Format(time.RFC3339)
	}
	first, last, held, err := p.Broker.Received(ctx, p.Broker.Topics().Events)
	if err != nil {
		return err
	}
	onLog := "the event log is empty"
	if held {
		onLog = fmt.Sprintf("the event log holds what was received from %s to %s", first.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
	}
	rows, begin, end, err := replay.Extent(ctx, p.Warehouse)
	if err != nil {
		return err
	}
	inTable := "the table event_log is empty"
	if rows > 0 {
		inTable = fmt.Sprintf("the table event_log holds events from %s to %s", begin, end)
	}
	return fmt.Errorf("%s: %s, and %s: give other days with --from and --to", asked, onLog, inTable)
}

func (b *backtested) printJSON(t *terminal) error {
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if b.swept == nil {
		return enc.Encode(struct {
			Timezone string `json:"timezone"`
			backtest.Result
		}{b.zone.String(), b.Result})
	}
	return enc.Encode(struct {
		Timezone string `json:"timezone"`
		sweptResult
	}{b.zone.String(), b.sweep()})
}
