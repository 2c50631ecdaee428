package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

type alertsCmd struct {
	Follow bool   `short:"f" help:"Go on with new ones as they come, until stopped."`
	Limit  int    `default:"20" placeholder:"N" help:"How many of the latest (${default})."`
	Output string `enum:"text,json" default:"text" help:"text, or json: one alert a line."`
	folderFlags
	engineFlags
}

func (alertsCmd) Help() string {
	return `An alert is firing while its window is open, retracted when it no longer qualifies, confirmed when its
window has closed. --follow reads the alerts topic, where an alert is within a second of the view that
made it.

Examples:
  clickstream alerts
  clickstream alerts --follow --output json`
}

func (c *alertsCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 0 {
		return usagef("limit is %d: give 0 or more", c.Limit)
	}
	return withPipeline(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *pipeline) error {
		latest, err := latestAlerts(ctx, p, c.Limit)
		if err != nil {
			return err
		}
		if c.Output == "text" && len(latest) == 0 && !c.Follow {
			fmt.Fprintln(t.out, "no alerts")
			return nil
		}
		if c.Output == "text" {
			fmt.Fprintf(t.out, alertColumns, "STATUS", "PRODUCT", "WINDOW", "VIEWS", "PURCHASES")
		}
		for _, a := range latest {
			if err := c.print(t, a); err != nil {
				return err
			}
		}
		if !c.Follow {
			return nil
		}
		return c.follow(ctx, t, p)
	})
}

const alertColumns = "%-10s %-20s %-42s %7s %10s\n"

func (c *alertsCmd) print(t *terminal, a event.Alert) error {
	if c.Output == "json" {
		return json.NewEncoder(t.out).Encode(a)
	}
	_, err := fmt.Fprintf(t.out, alertColumns, a.Status, a.ProductID,
		a.WindowStart.UTC().Format(time.RFC3339)+"/"+a.WindowEnd.UTC().Format(time.RFC3339), count(a.Views), count(a.Purchases))
	return err
}

// latestAlerts are the last alerts, the oldest of them first.
func latestAlerts(ctx context.Context, p *pipeline, limit int) ([]event.Alert, error) {
	rows, err := p.warehouse.Conn().Query(ctx, query("latest_alerts"), clickhouse.Named("limit", limit))
	if err != nil {
		return nil, fmt.Errorf("read the alerts: %w", err)
	}
	defer rows.Close()
	var found []event.Alert
	for rows.Next() {
		var a event.Alert
		var status string
		var views, purchases, version uint64
		if err := rows.Scan(&a.ID, &a.Rule, &a.ProductID, &a.WindowStart, &a.WindowEnd, &status, &views, &purchases,
			&a.ConversionRate, &version, &a.EpisodeID, &a.Exact); err != nil {
			return nil, fmt.Errorf("read the alerts: %w", err)
		}
		a.Status, a.Views, a.Purchases, a.Version = event.Status(status), int(views), int(purchases), int64(version)
		found = append(found, a)
	}
	return found, rows.Err()
}

// follow prints what is appended to the alerts topic from now on.
func (c *alertsCmd) follow(ctx context.Context, t *terminal, p *pipeline) error {
	cl, err := p.broker.NewClient(kgo.ConsumeTopics(p.broker.Topics().Alerts), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil // stopped by the user
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", p.broker.Topics().Alerts, err)
		}
		for _, r := range fetches.Records() {
			a, err := event.DecodeAlert(r.Value)
			if err != nil {
				continue // in rejected_events, by the mirror
			}
			if err := c.print(t, a); err != nil {
				return err
			}
		}
	}
}
