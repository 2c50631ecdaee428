package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

type alertsCmd struct {
	List     alertsListCmd     `cmd:"" default:"withargs" help:"The latest alerts, a line for each episode."`
	Why      alertsWhyCmd      `cmd:"" help:"The events that an alert was counted from, and those that did not count."`
	Rules    alertsRulesCmd    `cmd:"" help:"Rule sets: check a file, put it in force, show the one in force and those before it."`
	Backtest alertsBacktestCmd `cmd:"" help:"What rules would have raised on past days; several thresholds side by side."`

	Ack        alertsAckCmd       `cmd:"" help:"Say that you have seen an alert's episode."`
	Silence    alertsSilenceCmd   `cmd:"" help:"Send no notices of a product or a rule for a while."`
	Unsilence  alertsUnsilenceCmd `cmd:"" help:"End a silence."`
	Silences   alertsSilencesCmd  `cmd:"" help:"The silences that hold."`
	Notices    alertsNoticesCmd   `cmd:"" help:"The latest notices and what became of them."`
	TestNotify testNotifyCmd      `cmd:"" help:"Send a test notice to each receiver and print what it answers."`
}

func (alertsCmd) Help() string {
	return `Without a command, the latest alerts are listed, a line for each episode.

Examples:
  clickstream alerts
  clickstream alerts --follow`
}

type alertsListCmd struct {
	Windows bool   `help:"A line for each window, instead of one for each episode."`
	Follow  bool   `short:"f" help:"Print new alerts as they come, until stopped."`
	Limit   int    `default:"20" placeholder:"N" help:"How many of the latest lines to print (${default})."`
	Rule    string `placeholder:"NAME" help:"Only alerts of the rule with this name, such as flash_sale."`
	Output  string `enum:"text,json" default:"text" help:"text, or json: one episode, or one alert, a line."`
	folderFlags
	engineFlags
	// shown are the rules' definitions whose alerts are printed, by name.
	shown map[string]map[string]bool
}

func (alertsListCmd) Help() string {
	return `An episode is one spike: the windows of a product that qualify near to each other. It is firing while one of them
is, then ended, or retracted if none qualified to its end. VIEWS and PURCHASES are those of the window with the most views.
With --windows each window's alert has a line: it is firing while the window is open, retracted when that no longer
qualifies, and confirmed when it has closed and still qualifies.

--follow reads the alerts topic, and prints an episode when it begins and when its status changes. An alert is in that topic
within a second of the view that raised it. Where there are alerts of more than one rule, each line ends with its rule: the
name or, where rules of one name differ, the whole definition.

Examples:
  clickstream alerts
  clickstream alerts --rule flash_sale
  clickstream alerts --windows --limit 100
  clickstream alerts --follow --output json`
}

func (c *alertsListCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 1 && !c.Follow || c.Limit < 0 {
		return usagef("limit is %d: give 1 or more, or 0 with --follow, for new alerts alone", c.Limit)
	}
	if c.Rule != "" && !event.ValidName(c.Rule) {
		return usagef("rule %q is not a name: give it without its definition, such as flash_sale", c.Rule)
	}
	if c.Follow {
		return c.followInstance(ctx, t)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		if err := c.checkRule(ctx, p); err != nil {
			return err
		}
		if !c.Windows {
			return c.latestEpisodes(ctx, t, p)
		}
		_, err := c.latest(ctx, t, p)
		return err
	})
}

// checkRule refuses a rule that is not known: a misspelt one would look like one
// without alerts.
func (c *alertsListCmd) checkRule(ctx context.Context, p *instance.Pipeline) error {
	if c.Rule == "" {
		return nil
	}
	return checkRule(ctx, p, c.Rule)
}

// latest prints the latest alerts and returns the version of each.
func (c *alertsListCmd) latest(ctx context.Context, t *terminal, p *instance.Pipeline) (map[string]int64, error) {
	latest, err := selectAlerts(ctx, p, query("latest_alerts"), clickhouse.Named("limit", c.Limit), clickhouse.Named("rule", c.Rule))
	if err != nil {
		return nil, err
	}
	for _, a := range latest {
		c.show(a.Rule)
	}
	if c.Output == "text" && len(latest) == 0 && !c.Follow {
		fmt.Fprintln(t.out, "no alerts")
		return nil, nil
	}
	if c.Output == "text" {
		rule := ""
		if c.several() {
			rule = "  RULE"
		}
		fmt.Fprintf(t.out, alertColumns, "ALERT", "STATUS", "PRODUCT", "WINDOW", "VIEWS", "PURCHASES", rule)
	}
	seen := make(map[string]int64, len(latest))
	for _, a := range latest {
		if err := c.print(t, a); err != nil {
			return nil, err
		}
		seen[a.ID] = a.Version
	}
	return seen, nil
}

const alertColumns = "%-8s %-10s %-20s %-42s %7s %10s%s\n"

func (c *alertsListCmd) print(t *terminal, a event.Alert) error {
	if c.Output == "json" {
		return json.NewEncoder(t.out).Encode(a)
	}
	rule := ""
	if c.several() {
		rule = "  " + printable(c.ruleLabel(a.Rule))
	}
	_, err := fmt.Fprintf(t.out, alertColumns, printable(a.ID[:min(len(a.ID), 8)]), printable(string(a.Status)), printable(a.ProductID),
		a.WindowStart.UTC().Format(time.RFC3339)+"/"+a.WindowEnd.UTC().Format(time.RFC3339), count(a.Views), count(a.Purchases), rule)
	return err
}

// show notes that alerts of a rule with this definition are printed.
func (c *alertsListCmd) show(definition string) {
	name := event.RuleName(definition)
	if c.shown == nil {
		c.shown = make(map[string]map[string]bool)
	}
	if c.shown[name] == nil {
		c.shown[name] = make(map[string]bool)
	}
	c.shown[name][definition] = true
}

// several says whether alerts of more than one rule are printed.
func (c *alertsListCmd) several() bool {
	n := 0
	for _, definitions := range c.shown {
		n += len(definitions)
	}
	return n > 1
}

// ruleLabel is the rule's name, or its definition if that is not the only one
// with the name.
func (c *alertsListCmd) ruleLabel(definition string) string {
	if name := event.RuleName(definition); len(c.shown[name]) <= 1 {
		return name
	}
	return event.ShortRule(definition)
}

// selectAlerts runs a query that gives whole alerts.
func selectAlerts(ctx context.Context, p *instance.Pipeline, sql string, args ...any) ([]event.Alert, error) {
	rows, err := p.Warehouse.Conn().Query(ctx, sql, args...)
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

// followInstance prints the latest alerts and then, without a gap, what is
// appended to their topic. It follows a running instance: without one nothing
// would come.
func (c *alertsListCmd) followInstance(ctx context.Context, t *terminal) (err error) {
	log := t.logger(c.LogLevel)
	eng, err := openEngines(ctx, t, &c.engineFlags, c.DataDir, instance.JoinOnly, log)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	p, err := instance.JoinPipeline(ctx, eng, log)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := c.checkRule(ctx, p); err != nil {
		return err
	}

	topic := p.Broker.Topics().Alerts
	from, err := p.Broker.EndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	// Older alerts are read from the table. Those that the mirror has not stored
	// within this time are left out.
	waiting, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := p.Warehouse.WaitStored(waiting, p.Broker, topic, from, nil); err != nil && waiting.Err() == nil {
		return err
	}
	if c.Windows {
		seen, err := c.latest(ctx, t, p)
		if err != nil {
			return err
		}
		return c.follow(ctx, p, from, func(a event.Alert) error {
			if seen[a.ID] >= a.Version {
				return nil // printed already
			}
			c.show(a.Rule)
			return c.print(t, a)
		})
	}
	if err := c.latestEpisodes(ctx, t, p); err != nil {
		return err
	}
	followed, err := followEpisodes(ctx, p)
	if err != nil {
		return err
	}
	return c.follow(ctx, p, from, func(a event.Alert) error {
		e, changed := followed.take(a)
		if !changed {
			return nil
		}
		c.show(e.Rule)
		return c.printEpisode(t, e)
	})
}

// answerWithin is how long an instance may take to answer before it counts as
// unreachable.
const answerWithin = 5 * time.Second

// follow passes on the alerts of the rule that are appended to the topic.
func (c *alertsListCmd) follow(ctx context.Context, p *instance.Pipeline, from broker.Offsets, take func(event.Alert) error) error {
	topic := p.Broker.Topics().Alerts
	starts := make(map[int32]kgo.Offset, len(from))
	for partition, offset := range from {
		starts[partition] = kgo.NewOffset().At(offset)
	}
	cl, err := p.Broker.Open(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		polling, cancel := context.WithTimeout(ctx, answerWithin)
		fetches := cl.PollFetches(polling)
		cancel()
		if ctx.Err() != nil {
			return nil // stopped by the user
		}
		records := fetches.Records()
		if len(records) == 0 {
			asking, cancel := context.WithTimeout(ctx, answerWithin)
			_, err := p.Broker.EndOffsets(asking, topic)
			cancel()
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("the instance is unreachable: look whether it still runs (clickstream status): %w", err)
			}
		}
		for _, r := range records {
			a, err := event.DecodeAlert(r.Value)
			if err != nil || c.Rule != "" && event.RuleName(a.Rule) != c.Rule {
				continue // invalid, so the mirror rejects it; or another rule's
			}
			if err := take(a); err != nil {
				return err
			}
		}
	}
}
