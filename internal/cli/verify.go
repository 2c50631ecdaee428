package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/instance"
	"clickstream/processor"
	"clickstream/warehouse/verify"
)

type verifyCmd struct {
	Output string        `enum:"text,json" default:"text" help:"text or json."`
	Wait   time.Duration `default:"1m" help:"How long to wait until the mirror has stored the log and the processor has counted it (${default})."`
	Since  since         `placeholder:"DURATION|DATE" help:"Leave out what the log received before: a duration such as 72h, or a date such as 2026-11-22 (UTC)."`
	folderFlags
	engineFlags
}

func (verifyCmd) Help() string {
	return `Reads the log again and compares every record with the tables: byte by byte where the row says what the
record says, else decoded by ClickHouse's JSON functions and by column. Recomputes the alerts in SQL, each window by the
rule set that judges it, and their episodes, and compares the alerts topic and the rejected topic with their tables.
Gaps that nobody has accepted are a difference. Alerts of rules that were never put in force are counted and not compared.
It counts nothing into the alerts topic itself: in the folder of an instance that has stopped, records that its
processor has not counted yet are left out and reported.

Examples:
  clickstream verify
  clickstream verify --since 72h --output json`
}

// since is a point in time, given as a date or as how long ago it was.
type since struct{ time.Time }

func (s *since) UnmarshalText(text []byte) error {
	if d, err := time.ParseDuration(string(text)); err == nil && d > 0 {
		s.Time = time.Now().Add(-d)
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			s.Time = t
			return nil
		}
	}
	return fmt.Errorf("%q is neither a duration such as 72h nor a date such as 2026-11-22", text)
}

// verifyMemory keeps verify below 256 MiB, with what Go does not count.
const verifyMemory = 160 << 20

func (c *verifyCmd) Run(ctx context.Context, t *terminal) error {
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		if !p.OwnsBroker() { // which keeps its log in this process
			limitMemoryTo(verifyMemory)
		}
		s := t.status()
		defer s.clear()
		report, err := verify.Run(ctx, verify.Config{
			Broker: p.Broker, Warehouse: p.Warehouse, Log: p.Log, Wait: c.Wait, Since: c.Since.Time,
			WaitFor: func(ctx context.Context, ends broker.Offsets) (broker.Offsets, error) {
				if p.OwnsBroker() {
					return counted(ctx, p)
				}
				return ends, processor.WaitAcknowledged(ctx, p.Broker, ends)
			},
			Progress: func(p verify.Progress) {
				if p.Total > 0 {
					s.set("%s  %s", bar(p.Done, p.Total), p.Step)
				} else {
					s.set("%s", p.Step)
				}
			},
		})
		s.clear()
		if err != nil {
			return err
		}
		if c.Output == "json" {
			enc := json.NewEncoder(t.out)
			enc.SetIndent("", "  ")
			if err := enc.Encode(report); err != nil {
				return err
			}
		} else {
			fmt.Fprintln(t.out, report)
		}
		if !report.OK() {
			return silentError{}
		}
		return nil
	})
}

// counted returns up to where the log is counted. No processor runs for verify: it
// would write its alerts into the shop's topic.
func counted(ctx context.Context, p *instance.Pipeline) (broker.Offsets, error) {
	done, err := processor.Acknowledged(ctx, p.Broker)
	if err == nil && len(done) == 0 {
		err = errors.New("no processor has counted this log yet: run clickstream serve, and verify beside it or after it")
	}
	return done, err
}
