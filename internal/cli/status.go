package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"clickstream/internal/instance"
	"clickstream/internal/instance/health"
)

type statusCmd struct {
	Output     string   `enum:"text,json" default:"text" help:"text or json."`
	MaxLag     int64    `default:"100000" placeholder:"N" help:"A role with a lag of more records than this is unwell (${default})."`
	AcceptGaps bool     `env:"-" help:"Accept the gaps of the log that are shown: from then on they are not unwell."`
	Roles      []string `placeholder:"ROLE" help:"Roles that should run somewhere: ${roles} (default: all)."`
	zoneFlag
	folderFlags
	engineFlags
}

func (statusCmd) Help() string {
	return `Exit status 0 means that all of this holds:
  - both engines are reachable
  - every role runs in some instance, and none waits to be restarted
  - the tables belong to the broker's log
  - no lag is above --max-lag, and every lag shrinks within 5 seconds
  - the newest event was not received ahead of now
  - every job has run for the last day that it was due for
  - every gap of the log is accepted: offsets that the broker no longer held when they were to be read

Shown are the roles of the instance in the folder and, for all instances together, how many members each consumer
group has. The roles collector and jobs have no group, so those of other instances are not shown. What the processor of
the instance in the folder had no room to remember (ids, products) is shown beside it: alerts may lack that. So is how
many notices the notifier in the folder has not sent yet: a receiver that does not take them is not unwell here, and
clickstream alerts notices lists them. Without a notifier in the folder, one is looked for with --roles notifier.

Examples:
  clickstream status
  clickstream status --output json --kafka-brokers redpanda:9092 --clickhouse-addr clickhouse:9000
  clickstream status --accept-gaps`
}

func (c *statusCmd) Run(ctx context.Context, t *terminal) error {
	if err := instance.CheckRoles(c.Roles); err != nil {
		return usageError{err}
	}
	if c.MaxLag < 1 {
		return usagef("max-lag is %d: give 1 or more", c.MaxLag)
	}
	zone, err := c.location()
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	cfg := c.instance(t, c.DataDir, instance.JoinOnly, t.logger(c.LogLevel))
	cfg.BrokerOnly = instance.ServeConfig{Roles: c.Roles}.BrokerOnly() && len(c.Roles) > 0 && !c.AcceptGaps
	eng, err := instance.Open(ctx, cfg)
	if err != nil {
		return err
	}
	if d := eng.Joined(); d != nil && c.Timezone == "UTC" && d.Timezone != "" {
		if zone, err = time.LoadLocation(d.Timezone); err != nil {
			return fmt.Errorf("the time zone of the running instance: %w", err)
		}
	}
	check := health.Config{Engines: eng, Roles: c.Roles, MaxLag: c.MaxLag, Location: zone}
	if c.AcceptGaps {
		check.AcceptGaps = userName()
	}
	report := health.Check(ctx, check)
	if c.Output == "json" {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		printHealth(t, report, time.Now())
	}
	if err != nil {
		return err
	}
	if !report.Healthy {
		return silentError{}
	}
	return nil
}

// userName is who runs this command.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", os.Getuid()) // an image may have no list of users
}

// printHealth is the report for people.
func printHealth(t *terminal, r health.Report, now time.Time) {
	rows := [][]string{
		{"broker", string(r.Broker.State), r.Broker.Address},
		{"ClickHouse", string(r.ClickHouse.State), r.ClickHouse.Address},
	}
	for _, role := range r.Roles {
		rows = append(rows, []string{role.Name, role.State, roleText(r, role)})
	}
	table(t.out, []string{"WHAT", "STATE", ""}, rows)
	fmt.Fprintf(t.out, "\n%s records on the log\n", known(r.Records))
	if n := len(r.OtherTableSets); n > 0 {
		fmt.Fprintf(t.out, "the log is also stored in other tables (%s)\n", tableSets(r.OtherTableSets))
	}
	fmt.Fprintf(t.out, "%s events stored, %s; %s duplicates not merged yet\n", known(r.Events), r.NewestText(now), known(r.Duplicates))
	fmt.Fprintf(t.out, "%s alerts, %s rejected\n", known(r.Alerts), known(r.Rejected))
	for _, g := range r.Gaps {
		if g.AcceptedAt != nil {
			fmt.Fprintf(t.out, "accepted: %s\n", g.Gap)
		}
	}
	for _, due := range r.Jobs {
		fmt.Fprintf(t.out, "job %s for %s: %s", due.Job, due.Day, due.State)
		if due.Run != nil {
			fmt.Fprintf(t.out, ", %s rows, started %s", count(due.Run.Rows), due.Run.Started.UTC().Format(time.DateTime))
		}
		fmt.Fprintln(t.out)
	}
	if r.Instance != nil {
		for _, name := range slices.Sorted(maps.Keys(r.Instance.URLs)) {
			if name != "collector" { // it is in the table
				fmt.Fprintf(t.out, "%s: %s\n", name, r.Instance.URLs[name])
			}
		}
	}
	for _, what := range r.Unwell {
		fmt.Fprintln(t.out, "UNWELL", what)
	}
	if r.Healthy {
		fmt.Fprintln(t.out, "all is well")
	}
}

// tableSets names other table sets: "1f0c…: 2 mirrors".
func tableSets(sets []health.TableSet) string {
	var text []string
	for _, s := range sets {
		text = append(text, fmt.Sprintf("%s: mirrors running %d", s.ID, s.Members))
	}
	return strings.Join(text, ", ")
}

// lags says of which topics the lag of a role is that reads several.
func lags(role health.Role) string {
	var parts []string
	for _, topic := range slices.Sorted(maps.Keys(role.Lags)) {
		if n := role.Lags[topic]; n > 0 && len(role.Lags) > 1 {
			parts = append(parts, fmt.Sprintf("%s %s", topic, count(n)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// roleText is what is known of a role besides its state.
func roleText(r health.Report, role health.Role) string {
	var parts []string
	switch {
	case role.Members != nil:
		parts = append(parts, fmt.Sprintf("members %s, lag %s%s", known(role.Members), known(role.Lag), lags(role)))
	case role.Name != "collector" && role.Name != "jobs":
		parts = append(parts, "members unknown, lag unknown")
	}
	if role.Name == "collector" && r.Instance != nil && r.Instance.URLs["collector"] != "" {
		parts = append(parts, r.Instance.URLs["collector"])
	}
	if u := r.Unremembered; role.Name == "processor" && u != nil && u.IDs+u.Products > 0 {
		parts = append(parts, fmt.Sprintf("not remembered since its start: ids of %s events, products of %s", count(u.IDs), count(u.Products)))
	}
	if n := r.Waiting; role.Name == "notifier" && n != nil && *n > 0 {
		parts = append(parts, fmt.Sprintf("%s waiting for receivers", plural(uint64(*n), "notice")))
	}
	if role.Restarts > 0 {
		parts = append(parts, fmt.Sprintf("restarted %d times", role.Restarts))
	}
	return strings.Join(parts, ", ")
}

// known writes a number, or that it is not known.
func known[N ~int | ~int64 | ~uint64](n *N) string {
	if n == nil {
		return "unknown"
	}
	return count(*n)
}
