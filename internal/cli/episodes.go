package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
	"clickstream/internal/instance"
)

// episode is a row of the view alert_episodes. The counts are those of the window
// with the most views that was not retracted, if there is one.
type episode struct {
	ID             string    `json:"episode_id" ch:"episode_id"`
	Rule           string    `json:"rule" ch:"rule"`
	ProductID      string    `json:"product_id" ch:"product_id"`
	FirstWindow    time.Time `json:"first_window" ch:"first_window"`
	LastWindow     time.Time `json:"last_window" ch:"last_window"`
	LastWindowEnd  time.Time `json:"last_window_end" ch:"last_window_end"`
	Status         string    `json:"status" ch:"status"`
	Windows        uint64    `json:"windows" ch:"windows"`
	Views          uint64    `json:"peak_views" ch:"peak_views"`
	Purchases      uint64    `json:"peak_purchases" ch:"peak_purchases"`
	ConversionRate float64   `json:"peak_conversion_rate" ch:"peak_conversion_rate"`
	Exact          bool      `json:"all_exact" ch:"all_exact"`
}

const episodeColumns = "%-8s %-10s %-20s %-42s %7s %7s %10s%s\n"

// latestEpisodes prints the latest episodes.
func (c *alertsListCmd) latestEpisodes(ctx context.Context, t *terminal, p *instance.Pipeline) error {
	var latest []episode
	err := p.Warehouse.Conn().Select(ctx, &latest, query("latest_episodes"), clickhouse.Named("limit", c.Limit), clickhouse.Named("rule", c.Rule))
	if err != nil {
		return fmt.Errorf("read the episodes: %w", err)
	}
	for _, e := range latest {
		c.show(e.Rule)
	}
	if c.Output == "text" && len(latest) == 0 && !c.Follow {
		fmt.Fprintln(t.out, "no alerts")
		return nil
	}
	if c.Output == "text" {
		rule := ""
		if c.several() {
			rule = "  RULE"
		}
		fmt.Fprintf(t.out, episodeColumns, "EPISODE", "STATUS", "PRODUCT", "FROM/TO", "WINDOWS", "VIEWS", "PURCHASES", rule)
	}
	for _, e := range latest {
		if err := c.printEpisode(t, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *alertsListCmd) printEpisode(t *terminal, e episode) error {
	if c.Output == "json" {
		return json.NewEncoder(t.out).Encode(e)
	}
	rule := ""
	if c.several() {
		rule = "  " + printable(c.ruleLabel(e.Rule))
	}
	_, err := fmt.Fprintf(t.out, episodeColumns, printable(e.ID[:min(len(e.ID), 8)]), printable(e.Status), printable(e.ProductID),
		e.FirstWindow.UTC().Format(time.RFC3339)+"/"+e.LastWindowEnd.UTC().Format(time.RFC3339),
		count(e.Windows), count(e.Views), count(e.Purchases), rule)
	return err
}

// episodes are those that are followed, by id: each is made of the newest version
// of the alert of each of its windows, as the view makes it.
type episodes map[string]*windowsOf

type windowsOf struct {
	alerts map[string]event.Alert // by id
	status string                 // the last that was seen
}

// take takes an alert and returns its episode, and whether that is new or has
// another status than before.
func (of episodes) take(a event.Alert) (e episode, changed bool) {
	id := cmp.Or(a.EpisodeID, a.ID)
	if of[id] == nil {
		of[id] = &windowsOf{alerts: make(map[string]event.Alert)}
	}
	w := of[id]
	if old, known := w.alerts[a.ID]; known && old.Version >= a.Version {
		return e, false
	}
	w.alerts[a.ID] = a
	e = w.episode(id)
	changed = e.Status != w.status
	w.status = e.Status
	return e, changed
}

func (w *windowsOf) episode(id string) episode {
	e := episode{ID: id, Windows: uint64(len(w.alerts)), Exact: true, Status: "retracted"}
	var peak event.Alert
	for _, a := range w.alerts {
		if e.FirstWindow.IsZero() || a.WindowStart.Before(e.FirstWindow) {
			e.FirstWindow = a.WindowStart
		}
		if !a.WindowStart.Before(e.LastWindow) {
			e.LastWindow, e.LastWindowEnd = a.WindowStart, a.WindowEnd
		}
		switch {
		case a.Status == event.Firing:
			e.Status = "firing"
		case a.Status == event.Confirmed && e.Status == "retracted":
			e.Status = "ended"
		}
		e.Exact = e.Exact && a.Exact
		if peak.ID == "" || comparePeaks(a, peak) > 0 {
			peak = a
		}
	}
	e.Rule, e.ProductID = peak.Rule, peak.ProductID
	e.Views, e.Purchases, e.ConversionRate = uint64(peak.Views), uint64(peak.Purchases), peak.ConversionRate
	return e
}

func comparePeaks(a, b event.Alert) int {
	if r := (a.Status == event.Retracted); r != (b.Status == event.Retracted) {
		if r {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Views, b.Views), a.WindowStart.Compare(b.WindowStart))
}

// followEpisodes are the episodes that may go on, as the table has them.
func followEpisodes(ctx context.Context, p *instance.Pipeline) (episodes, error) {
	alerts, err := selectAlerts(ctx, p, query("episode_windows"))
	if err != nil {
		return nil, err
	}
	followed := make(episodes)
	for _, a := range alerts {
		followed.take(a)
	}
	return followed, nil
}
