package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
)

type rulesShowCmd struct {
	Output string `enum:"text,json" default:"text" help:"text, or json: one set a line."`
	folderFlags
	engineFlags
}

func (rulesShowCmd) Help() string {
	return `Says what was put in force last. A log where nothing was is judged by the default rule.

Examples:
  clickstream alerts rules show
  clickstream alerts rules show --output json`
}

type rulesHistoryCmd struct {
	Output string `enum:"text,json" default:"text" help:"text, or json: one change a line."`
	folderFlags
	engineFlags
}

func (rulesHistoryCmd) Help() string {
	return `Lists the changes of rules on the log, also those that retention has deleted from it.

Examples:
  clickstream alerts rules history
  clickstream alerts rules history --output json`
}

// applied is a rule set that was put in force at once in some partitions.
type applied struct {
	At     time.Time      `json:"applied_at"`
	Places []appliedPlace `json:"places"`
	shownSet
	// Error is why the set cannot be shown.
	Error string `json:"error,omitempty"`
}

type appliedPlace struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// partitions names them for people.
func (a *applied) partitions() string {
	names := make([]string, len(a.Places))
	for i, p := range a.Places {
		names[i] = strconv.Itoa(int(p.Partition))
	}
	return strings.Join(names, ", ")
}

// onLog are the changes of rules on the log, those of one time together, the
// oldest first; with latest only the last one of each partition.
func onLog(ctx context.Context, cl *broker.Client, latest bool) ([]applied, error) {
	sets, err := cl.RuleSets(ctx)
	if err != nil {
		return nil, err
	}
	changes := sets.Changes()
	if latest {
		last := make(map[int32]broker.RulesPut)
		for _, c := range changes {
			last[c.Partition] = c
		}
		changes = slices.DeleteFunc(changes, func(c broker.RulesPut) bool { return last[c.Partition] != c })
	}
	slices.SortFunc(changes, func(a, b broker.RulesPut) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	var all []applied
	for i, c := range changes {
		if i == 0 || changes[i-1].RulesChange != c.RulesChange {
			a := applied{At: c.At.Time(), shownSet: shownSet{Set: c.Hash}}
			if set, err := sets.Lookup(c.Hash); err != nil {
				a.Error = err.Error()
			} else {
				a.shownSet = newShownSet(set)
			}
			all = append(all, a)
		}
		last := &all[len(all)-1]
		last.Places = append(last.Places, appliedPlace{c.Partition, c.Offset})
	}
	return all, nil
}

func (c *rulesShowCmd) Run(ctx context.Context, t *terminal) error {
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		inForce, err := onLog(ctx, p.Broker, true)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return encodeLines(t, inForce)
		}
		if len(inForce) == 0 {
			fmt.Fprint(t.out, "No rule set has been put in force on this log: it is judged by the default one.\n\n")
			newShownSet(rules.Default()).print(t.out)
			return nil
		}
		for i, a := range inForce {
			if i > 0 {
				fmt.Fprintln(t.out)
			}
			fmt.Fprintf(t.out, "In force since %s in partitions %s\n\n", a.At.Format(time.RFC3339), a.partitions())
			if a.Error != "" {
				fmt.Fprintln(t.out, printable(a.Error))
				continue
			}
			a.print(t.out)
		}
		return nil
	})
}

func (c *rulesHistoryCmd) Run(ctx context.Context, t *terminal) error {
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		changes, err := onLog(ctx, p.Broker, false)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return encodeLines(t, changes)
		}
		if len(changes) == 0 {
			fmt.Fprintln(t.out, "no rule set has been put in force on this log")
			return nil
		}
		var rows [][]string
		for _, a := range changes {
			var names []string
			for _, r := range a.Rules {
				names = append(names, r.Name)
			}
			if a.Error != "" {
				names = []string{a.Error}
			}
			rows = append(rows, []string{a.At.Format(time.RFC3339), a.Set[:8], a.partitions(), strings.Join(names, ", ")})
		}
		table(t.out, []string{"APPLIED AT", "SET", "PARTITIONS", "RULES"}, rows)
		return nil
	})
}

func encodeLines(t *terminal, changes []applied) error {
	for _, a := range changes {
		if err := printJSON(t, a); err != nil {
			return err
		}
	}
	return nil
}
