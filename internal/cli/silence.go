package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

type alertsSilenceCmd struct {
	Product string        `arg:"" optional:"" help:"The product that does not notify."`
	Rule    string        `placeholder:"NAME" help:"The rule that does not notify, in place of a product."`
	For     time.Duration `required:"" placeholder:"DURATION" help:"For how long, as in 2h or 48h; at most 2160h."`
	Reason  string        `placeholder:"TEXT" help:"What others should know."`
	byFlag
	folderFlags
	engineFlags
}

// mostSilence is the longest silence: a rule that is never to notify says so.
const mostSilence = 90 * 24 * time.Hour

func (alertsSilenceCmd) Help() string {
	return `Alerts of the product, or of the rule, are raised and stored as before, and nobody is notified of those that
become due meanwhile. A notice that is waiting for its receiver is sent all the same. Running instances follow at
once, and the silence is kept through restarts.

Examples:
  clickstream alerts silence 1000111 --for 2h --reason "a campaign"
  clickstream alerts silence --rule removed_again --for 24h`
}

func (c *alertsSilenceCmd) Run(ctx context.Context, t *terminal) error {
	who, err := c.who()
	switch {
	case err != nil:
		return err
	case (c.Product == "") == (c.Rule == ""):
		return usagef("give a product, or a rule with --rule NAME")
	case c.Rule != "" && !event.ValidName(c.Rule):
		return usagef("rule %q is not a name: give it without its definition, such as flash_sale", c.Rule)
	case c.For < time.Second || c.For > mostSilence:
		return usagef("for %s: give 1s to %s; a rule that is never to notify has notify: false in its rules file", event.ShortDuration(c.For), event.ShortDuration(mostSilence))
	case len(c.Product) > broker.MaxLedgerName || len(c.Rule) > broker.MaxLedgerName:
		return usagef("a product and a rule have at most %d bytes", broker.MaxLedgerName)
	case len(c.Reason) > broker.MaxLedgerText:
		return usagef("reason has %d bytes: give at most %d", len(c.Reason), broker.MaxLedgerText)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		if err := c.checkKnown(ctx, t, p); err != nil {
			return err
		}
		at := ledgerTime()
		e := broker.LedgerEntry{
			Kind: broker.LedgerSilence, At: at, SilenceID: uuid.NewString()[:8], ProductID: c.Product, Rule: c.Rule,
			Until: at.Add(c.For), Reason: c.Reason, By: who,
		}
		if err := writeLedger(ctx, p, e); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "silence %s: %s does not notify until %s\n", e.SilenceID, printable(silenced(e)), e.Until.Format(time.RFC3339))
		return nil
	})
}

// checkKnown refuses a rule that is not known. A product may be about to come, so
// it is only noted that it has not been seen.
func (c *alertsSilenceCmd) checkKnown(ctx context.Context, t *terminal, p *instance.Pipeline) error {
	if c.Rule != "" {
		return checkRule(ctx, p, c.Rule)
	}
	seen, err := seenLately(ctx, p, c.Product)
	if err == nil && !seen {
		t.say("note: no event of product %s from the last 7 days is stored: is its name right?", printable(c.Product))
	}
	return err
}

// silenced names what a silence is of.
func silenced(e broker.LedgerEntry) string {
	if e.Rule != "" {
		return "rule " + e.Rule
	}
	return "product " + e.ProductID
}

type alertsUnsilenceCmd struct {
	ID string `arg:"" help:"The silence's id, as alerts silences shows it."`
	byFlag
	folderFlags
	engineFlags
}

func (alertsUnsilenceCmd) Help() string {
	return `Alerts that become due from now on notify again.

Examples:
  clickstream alerts unsilence 3f0c9a51`
}

func (c *alertsUnsilenceCmd) Run(ctx context.Context, t *terminal) error {
	who, err := c.who()
	if err != nil {
		return err
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		silences, err := readSilences(ctx, p, false)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(silences, func(e broker.LedgerEntry) bool { return e.SilenceID == c.ID })
		if i < 0 {
			return fmt.Errorf("no silence that holds has the id %q: clickstream alerts silences lists them", c.ID)
		}
		e := silences[i]
		e.Until, e.EndedBy = ledgerTime(), who
		if err := writeLedger(ctx, p, e); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "silence %s has ended: %s notifies\n", printable(e.SilenceID), printable(silenced(e)))
		return nil
	})
}

type alertsSilencesCmd struct {
	All    bool   `help:"Those that have ended too."`
	Output string `enum:"text,json" default:"text" help:"text, or json: one silence a line."`
	folderFlags
	engineFlags
}

func (alertsSilencesCmd) Help() string {
	return `Reads the ledger of notices, the topic clickstream_notifications.

Examples:
  clickstream alerts silences
  clickstream alerts silences --all --output json`
}

func (c *alertsSilencesCmd) Run(ctx context.Context, t *terminal) error {
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		silences, err := readSilences(ctx, p, c.All)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printLedger(t, silences)
		}
		printSilences(t.out, silences)
		return nil
	})
}

func printSilences(w io.Writer, silences []broker.LedgerEntry) {
	if len(silences) == 0 {
		fmt.Fprintln(w, "nothing is silenced")
		return
	}
	var rows [][]string
	for _, e := range silences {
		by := e.By
		if e.EndedBy != "" {
			by += ", ended by " + e.EndedBy
		}
		rows = append(rows, []string{e.SilenceID, silenced(e), e.At.Format(time.RFC3339), e.Until.Format(time.RFC3339), by, e.Reason})
	}
	table(w, []string{"ID", "SILENCED", "SINCE", "UNTIL", "BY", "REASON"}, rows)
}

// readSilences are the silences that hold, or all, the newest last.
func readSilences(ctx context.Context, p *instance.Pipeline, all bool) ([]broker.LedgerEntry, error) {
	byID := make(map[string]broker.LedgerEntry)
	err := p.Broker.ReadLedger(ctx, func(_ int32, e broker.LedgerEntry) error {
		if e.Kind == broker.LedgerSilence {
			byID[e.SilenceID] = e
		}
		return nil
	})
	var silences []broker.LedgerEntry
	for _, e := range byID {
		if all || time.Now().Before(e.Until) {
			silences = append(silences, e)
		}
	}
	slices.SortFunc(silences, func(a, b broker.LedgerEntry) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.SilenceID, b.SilenceID))
	})
	return silences, err
}

func printLedger(t *terminal, entries []broker.LedgerEntry) error {
	for _, e := range entries {
		if err := printJSON(t, e); err != nil {
			return err
		}
	}
	return nil
}
