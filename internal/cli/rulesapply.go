package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
)

type rulesApplyCmd struct {
	File   string        `arg:"" help:"The rules file, YAML; - for standard input."`
	Within time.Duration `default:"30s" placeholder:"DURATION" help:"How long to wait until every partition of the log has taken it (${default})."`
	Output string        `enum:"text,json" default:"text" help:"text or json."`
	folderFlags
	engineFlags
}

func (rulesApplyCmd) Help() string {
	return `Stores the set of rules and puts it in force in every partition of the log, if it is not in force already. It judges
the windows that start after the newest event of their partition. Windows that have started stay with the rules
before, and so do their alerts; nothing is read again. The instances need not be started again.

Examples:
  clickstream alerts rules apply rules.yaml
  clickstream alerts rules apply --output json rules.yaml`
}

// ruleChange is how a rule differs from that of its name in the set before.
type ruleChange struct {
	Rule   string `json:"rule"`
	What   string `json:"what"` // added, changed or removed
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// appliedSet is what alerts rules apply prints.
type appliedSet struct {
	Set        string       `json:"set"`
	Changed    bool         `json:"changed"`
	Partitions int32        `json:"partitions"`
	Before     []string     `json:"before"` // the sets that were in force
	Rules      []ruleChange `json:"rules"`
}

func (c *rulesApplyCmd) Run(ctx context.Context, t *terminal) error {
	set, err := parseRules(t.in, "rules file", c.File)
	if err != nil {
		return err
	}
	if c.Within <= 0 {
		return usagef("within is %s: give a positive duration, as in 30s", c.Within)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		within, cancel := context.WithTimeout(ctx, c.Within)
		defer cancel()
		done, begun, err := applyRules(within, p.Broker, set)
		if err != nil && within.Err() != nil && ctx.Err() == nil {
			return c.late(begun, err)
		}
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(t, done)
		}
		done.print(t)
		return nil
	})
}

// late says what was not reached in time, and in what state that leaves the rules.
func (c *rulesApplyCmd) late(begun bool, err error) error {
	state := "nothing has changed"
	if begun {
		state = "they may be in force in some partitions already, and to apply them again puts them in force in the others"
	}
	late := fmt.Errorf("the rules are not in force in all partitions within %s: %s; look whether the broker answers (clickstream status), or give more time with --within",
		event.ShortDuration(c.Within), state)
	if errors.Is(err, context.DeadlineExceeded) {
		return late
	}
	return fmt.Errorf("%w: %w", late, err)
}

// applyRules puts the set in force. begun says whether it may have written
// something when it returns an error.
func applyRules(ctx context.Context, cl *broker.Client, set *rules.Set) (done appliedSet, begun bool, err error) {
	done = appliedSet{Set: set.Hash(), Rules: []ruleChange{}}
	if done.Partitions, err = cl.Partitions(ctx, cl.Topics().Events); err != nil {
		return done, false, err
	}
	sets, err := cl.RuleSets(ctx)
	if err != nil {
		return done, false, err
	}
	for n := range done.Partitions {
		done.Before = append(done.Before, sets.InForceNow(n))
	}
	slices.Sort(done.Before)
	done.Before = slices.Compact(done.Before)
	for _, hash := range done.Before {
		// A set that cannot be read any more is as good as none.
		if before, err := sets.Lookup(hash); err == nil {
			done.Rules = append(done.Rules, changedRules(before, set)...)
		}
	}
	done.Changed, err = cl.ApplyRules(ctx, set, time.Now())
	return done, true, err
}

// changedRules is what the second set changes, by the names of rules.
func changedRules(before, after *rules.Set) (changes []ruleChange) {
	text := func(set *rules.Set, i int) string {
		r := set.Rules()[i]
		return fmt.Sprintf("%s in %s every %s, lateness %s, %s, notify %t", r.When,
			event.ShortDuration(r.Window), event.ShortDuration(r.Slide), event.ShortDuration(set.Lateness()), r.Severity, r.Notify)
	}
	index := func(set *rules.Set, name string) int {
		return slices.IndexFunc(set.Rules(), func(r rules.Rule) bool { return r.Name == name })
	}
	for i, r := range after.Rules() {
		now := text(after, i)
		switch was := index(before, r.Name); {
		case was < 0:
			changes = append(changes, ruleChange{Rule: r.Name, What: "added", After: now})
		case text(before, was) != now:
			changes = append(changes, ruleChange{Rule: r.Name, What: "changed", Before: text(before, was), After: now})
		}
	}
	for i, r := range before.Rules() {
		if index(after, r.Name) < 0 {
			changes = append(changes, ruleChange{Rule: r.Name, What: "removed", Before: text(before, i)})
		}
	}
	return changes
}

func (a appliedSet) print(t *terminal) {
	if !a.Changed {
		fmt.Fprintf(t.out, "set %s is in force in all %d partitions already: nothing has changed\n", a.Set, a.Partitions)
		return
	}
	fmt.Fprintf(t.out, "set %s is in force in all %d partitions\n", a.Set, a.Partitions)
	for _, c := range a.Rules {
		fmt.Fprintf(t.out, "\n%s %s\n", printable(c.Rule), c.What)
		if c.Before != "" {
			wrapped(t.out, 2, "before: "+printable(c.Before))
		}
		if c.After != "" {
			wrapped(t.out, 2, "now: "+printable(c.After))
		}
	}
	fmt.Fprintln(t.out, "\nIt judges the windows that start after the newest event; earlier ones stay with the rules before.")
}
