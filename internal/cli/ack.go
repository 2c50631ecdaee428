package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

// byFlag says who does something that others will see.
type byFlag struct {
	By string `placeholder:"NAME" help:"Who you are (default: $$USER)."`
}

func (f byFlag) who() (string, error) {
	who := f.By
	if who == "" {
		who = os.Getenv("USER")
	}
	switch {
	case who == "":
		return "", usagef("say who you are with --by NAME: $USER is not set, and others are to see who did this")
	case len(who) > broker.MaxLedgerName:
		return "", usagef("by %q: say who you are with --by NAME, in at most %d bytes", who, broker.MaxLedgerName)
	}
	return who, nil
}

// writeLedger writes what a person has decided.
func writeLedger(ctx context.Context, p *instance.Pipeline, entries ...broker.LedgerEntry) error {
	cl, err := p.Broker.Open(broker.ProducerOptions()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.WriteLedger(ctx, entries...)
}

// ledgerTime is now as the ledger keeps it.
func ledgerTime() time.Time { return time.Now().UTC().Truncate(time.Second) }

type alertsAckCmd struct {
	Alert  string `arg:"" help:"An alert's or an episode's id, or its first 6 characters or more; or a product, for all that fires of it."`
	Reason string `placeholder:"TEXT" help:"What others should know."`
	byFlag
	folderFlags
	engineFlags
}

func (alertsAckCmd) Help() string {
	return `Writes to the ledger of notices who has seen the episode and when; alerts notices shows it. Its end is notified all
the same: alerts silence ends notices.

Examples:
  clickstream alerts ack 3f0c9a51
  clickstream alerts ack 1000111 --reason "the price is wrong, being fixed"`
}

func (c *alertsAckCmd) Run(ctx context.Context, t *terminal) error {
	who, err := c.who()
	if err != nil {
		return err
	}
	if len(c.Reason) > broker.MaxLedgerText {
		return usagef("reason has %d bytes: give at most %d", len(c.Reason), broker.MaxLedgerText)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		alerts, err := selectAlerts(ctx, p, query("firing_of_product"), clickhouse.Named("product", c.Alert))
		if err != nil {
			return err
		}
		if len(alerts) == 0 {
			a, err := (&alertsWhyCmd{Alert: c.Alert}).find(ctx, p)
			if err != nil {
				return err
			}
			alerts = []event.Alert{a}
		}
		var entries []broker.LedgerEntry
		for _, a := range alerts {
			e := broker.LedgerEntry{
				Kind: broker.LedgerAck, At: ledgerTime(), EpisodeID: a.EpisodeID, AlertID: a.ID, ProductID: a.ProductID,
				Rule: event.RuleName(a.Rule), Reason: c.Reason, By: who,
			}
			if e.EpisodeID == "" {
				e.EpisodeID = a.ID
			}
			entries = append(entries, e)
		}
		if err := writeLedger(ctx, p, entries...); err != nil {
			return err
		}
		for _, e := range entries {
			fmt.Fprintf(t.out, "%s has acknowledged episode %s of %s (%s)\n", printable(who), printable(e.EpisodeID), printable(e.ProductID), printable(e.Rule))
		}
		return nil
	})
}
