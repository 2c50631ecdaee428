package cli

import (
	"context"
	"encoding/json"
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
	ruleFlags
	folderFlags
	engineFlags
}

func (verifyCmd) Help() string {
	return `Compares the identities on the log with the view events, the alerts of the rule with a recomputation in
SQL, and the invalid records of the log with rejected_events.

Examples:
  clickstream verify
  clickstream verify --views-over 50 --output json`
}

func (c *verifyCmd) Run(ctx context.Context, t *terminal) error {
	rule, err := c.rule()
	if err != nil {
		return err
	}
	session := instance.Session{Engines: instance.Config{Sharing: instance.JoinOrOpen}, Rule: &rule}
	return runSession(ctx, t, &c.engineFlags, c.folderFlags, session, func(ctx context.Context, p *instance.Pipeline) error {
		rule := p.RuleOr(rule)
		report, err := verify.Run(ctx, verify.Config{
			Broker: p.Broker, Warehouse: p.Warehouse, Rule: rule, Log: p.Log, Wait: c.Wait,
			WaitFor: func(ctx context.Context, ends broker.Offsets) error {
				return processor.WaitAcknowledged(ctx, p.Broker, rule, ends)
			},
		})
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
