package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
	"clickstream/internal/instance"
	"clickstream/processor"
)

type alertsWhyCmd struct {
	Alert  string `arg:"" help:"The alert's id, or its first 6 characters or more; or a product, for its latest alert."`
	Limit  int    `default:"20" placeholder:"N" help:"How many events of each kind to print; 0 for all (${default})."`
	Output string `enum:"text,json" default:"text" help:"text or json."`
	folderFlags
	engineFlags
}

func (alertsWhyCmd) Help() string {
	return `Reads the alert's part of the log again and lists the events that it was counted from, those of its product
and window that did not count and why, and the rule that judged. Events that came too late are listed for
an hour after the window's end.

Examples:
  clickstream alerts why 3f0c9a51
  clickstream alerts why 1000111 --limit 0 --output json`
}

// explainedAlert is what alerts why prints.
type explainedAlert struct {
	Alert event.Alert `json:"alert"`
	processor.Account
}

func (c *alertsWhyCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 0 {
		return usagef("limit is %d: give 0 or more", c.Limit)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		alert, err := c.find(ctx, p)
		if err != nil {
			return err
		}
		x := explainedAlert{Alert: alert}
		if x.Account, err = processor.ExplainAlert(ctx, p.Broker, alert, c.Limit); err != nil {
			return err
		}
		if c.Output == "json" {
			enc := json.NewEncoder(t.out)
			enc.SetIndent("", "  ")
			return enc.Encode(x)
		}
		x.print(t)
		return nil
	})
}

// leastID is how much of an alert's id names it, as in find_alert.sql.
const leastID = 6

func (c *alertsWhyCmd) find(ctx context.Context, p *instance.Pipeline) (event.Alert, error) {
	found, err := selectAlerts(ctx, p, query("find_alert"), clickhouse.Named("alert", c.Alert))
	switch {
	case err != nil:
		return event.Alert{}, err
	case len(found) == 0 && len(c.Alert) < leastID:
		return event.Alert{}, usagef("%q is no product with an alert, and too short for an alert's id: give at least its first %d characters", c.Alert, leastID)
	case len(found) == 0:
		return event.Alert{}, fmt.Errorf("no alert has an id that begins with %q, or a product with that name: clickstream alerts lists the latest", c.Alert)
	case len(found) > 1 && strings.HasPrefix(found[1].ID, c.Alert) && len(c.Alert) >= leastID:
		return event.Alert{}, usagef("more than one alert has an id that begins with %q: give more of it", c.Alert)
	}
	return found[0], nil
}

func (x explainedAlert) print(t *terminal) {
	a := x.Alert
	fmt.Fprintf(t.out, "alert %s is %s: %s had %s and %s from %s to %s\n", printable(a.ID), printable(string(a.Status)), printable(a.ProductID),
		plural(uint64(a.Views), "view"), plural(uint64(a.Purchases), "purchase"), a.WindowStart.UTC().Format(time.RFC3339), a.WindowEnd.UTC().Format(time.RFC3339))
	fmt.Fprintf(t.out, "judged by %s\n", printable(event.ShortRule(a.Rule)))
	fmt.Fprintf(t.out, "counted up to offset %s of partition %d\n", count(a.Version), x.Partition)
	if !a.Exact {
		fmt.Fprintln(t.out, "not exact: more ids or products came than are remembered")
	}
	x.printRows(t, "counted", x.CountedTotal, x.Counted)
	x.printRows(t, "not counted", x.NotCountedTotal, x.NotCounted)
	switch {
	case x.Cut:
		fmt.Fprintln(t.out, "\nRetention has deleted records of the log that may have counted. The table events still has the events.")
	case x.Views != a.Views || x.Purchases != a.Purchases:
		fmt.Fprintf(t.out, "\nThe log gives %s views and %s purchases, which is not what the alert says: clickstream verify compares them all.\n",
			count(x.Views), count(x.Purchases))
	}
}

func (explainedAlert) printRows(t *terminal, what string, total int, rows []processor.AccountRow) {
	fmt.Fprintf(t.out, "\n%s: %s\n", what, count(total))
	if len(rows) == 0 {
		return
	}
	headings := []string{"OFFSET", "TIME", "TYPE", "EVENT", "USER", "RECEIVED"}
	if rows[0].Why != "" {
		headings = append(headings, "WHY")
	}
	var cells [][]string
	for _, r := range rows {
		user := r.UserID
		if user == "" {
			user = r.SessionID
		}
		row := []string{
			count(r.Offset), r.Timestamp.UTC().Format(time.RFC3339Nano), r.Type, r.EventID, user, r.ReceivedAt.Format(time.RFC3339Nano),
		}
		if r.Why != "" {
			row = append(row, r.Why)
		}
		cells = append(cells, row)
	}
	table(t.out, headings, cells)
	if more := total - len(rows); more > 0 {
		fmt.Fprintf(t.out, "and %s more: --limit 0 prints all\n", count(more))
	}
}
