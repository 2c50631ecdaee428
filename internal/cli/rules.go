package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

type alertsRulesCmd struct {
	Check   rulesCheckCmd   `cmd:"" help:"Check a rules file and print what it says."`
	Apply   rulesApplyCmd   `cmd:"" help:"Put the rules of a file in force."`
	Show    rulesShowCmd    `cmd:"" help:"The rule set in force."`
	History rulesHistoryCmd `cmd:"" help:"The rule sets that have been put in force, and when."`
}

type rulesCheckCmd struct {
	File   string `arg:"" help:"The rules file, YAML; - for standard input."`
	Output string `enum:"text,json" default:"text" help:"text or json."`
}

func (rulesCheckCmd) Help() string {
	return `Prints each rule with its condition, its window and the events that it counts, or every error with its line and
column and exit status 1. Nothing is changed.

Examples:
  clickstream alerts rules check rules.yaml
  clickstream alerts rules check --output json rules.yaml`
}

// shownRule is a rule as it is printed.
type shownRule struct {
	Name        string   `json:"name"`
	When        string   `json:"when"`
	Window      string   `json:"window"`
	Slide       string   `json:"slide"`
	Counts      []string `json:"counts"` // event types
	Description string   `json:"description"`
	Severity    string   `json:"severity"`
	Notify      bool     `json:"notify"`
}

// shownSet is a rule set as it is printed.
type shownSet struct {
	Set      string      `json:"set"` // its hash
	Lateness string      `json:"lateness,omitempty"`
	Rules    []shownRule `json:"rules,omitempty"`
}

func newShownSet(set *rules.Set) shownSet {
	s := shownSet{Set: set.Hash(), Lateness: event.ShortDuration(set.Lateness())}
	for i, r := range set.Rules() {
		s.Rules = append(s.Rules, shownRule{
			Name: r.Name, When: r.When, Window: event.ShortDuration(r.Window), Slide: event.ShortDuration(r.Slide), Counts: set.Counts(i),
			Description: r.Description, Severity: r.Severity, Notify: r.Notify,
		})
	}
	return s
}

func (s shownSet) print(w io.Writer) {
	fmt.Fprintf(w, "set %s, lateness %s\n", s.Set, s.Lateness)
	for _, r := range s.Rules {
		notifies := ""
		if !r.Notify {
			notifies = ", does not notify"
		}
		fmt.Fprintf(w, "\n%s (%s%s)\n", printable(r.Name), printable(r.Severity), notifies)
		if r.Description != "" {
			wrapped(w, 2, printable(r.Description))
		}
		fmt.Fprintf(w, "  when    %s\n", printable(r.When))
		fmt.Fprintf(w, "  window  %s, a new one every %s\n", r.Window, r.Slide)
		fmt.Fprintf(w, "  counts  %s\n", printable(strings.Join(r.Counts, ", ")))
	}
}

func (c *rulesCheckCmd) Run(t *terminal) error {
	text, err := readRules(t.in, "rules file", c.File)
	if err != nil {
		return err
	}
	set, err := rules.Parse(text)
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		return c.report(t, problems)
	}
	if err != nil {
		return err
	}
	shown := newShownSet(set)
	if c.Output == "json" {
		return printJSON(t, struct {
			File string `json:"file"`
			shownSet
		}{c.File, shown})
	}
	shown.print(t.out)
	return nil
}

// report prints what is wrong with the file.
func (c *rulesCheckCmd) report(t *terminal, problems rules.Problems) error {
	if c.Output == "json" {
		err := printJSON(t, struct {
			File     string         `json:"file"`
			Problems rules.Problems `json:"problems"`
		}{c.File, problems})
		return errors.Join(err, silentError{})
	}
	return reportProblems(t, c.File, problems)
}

// reportProblems prints what is wrong with a rules file, a line for each problem.
func reportProblems(t *terminal, file string, problems rules.Problems) error {
	for _, p := range problems {
		fmt.Fprintf(t.err, "%s: %s\n", printable(file), printable(p.Error()))
	}
	return silentError{}
}

// printJSON prints a value on a line, with the < > and && of conditions as they are.
func printJSON(t *terminal, value any) error {
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// parseRules reads a rules file. Everything that is wrong with it is in the error,
// by line and field. what is the flag or argument that names it.
func parseRules(in io.Reader, what, name string) (*rules.Set, error) {
	text, err := readRules(in, what, name)
	if err != nil {
		return nil, err
	}
	set, err := rules.Parse(text)
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		var errs []error
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("%s: %w", name, p))
		}
		return nil, errors.Join(errs...)
	}
	return set, err
}

// readRules reads a rules file, as much of it as Parse needs to judge its size.
func readRules(in io.Reader, what, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(what, name, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, rules.MaxFile+1))
	if err != nil {
		return nil, unreadable(what, name, err)
	}
	return text, nil
}

// unreadable says which rules file cannot be read, and why in the system's words.
func unreadable(what, name string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err // without the name of the system call
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}
