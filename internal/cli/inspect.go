package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"clickstream/ingest"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

type ingestInspectCmd struct {
	fileFlags
	Output string `enum:"text,json" default:"text" help:"text, or json: one document on standard output."`
}

func (ingestInspectCmd) Help() string {
	return `Reads files without importing anything: their format, how many rows they have, which times and types of events,
how far the rows are out of order, and which rows would be rejected and why. No engine is needed.

Examples:
  clickstream ingest inspect 2019-Oct.csv.gz
  clickstream ingest inspect --output json clicks/ | jq '.[].types'

` + formatsHelp()
}

// inspectedFile is the JSON of what a file holds.
type inspectedFile struct {
	Path            string                 `json:"path"`
	Format          string                 `json:"format"`
	Map             string                 `json:"map,omitempty"`
	Rows            int64                  `json:"rows"`
	Events          int64                  `json:"events"`
	Types           map[string]int64       `json:"types"`
	From            *time.Time             `json:"from"`
	To              *time.Time             `json:"to"`
	DisorderSeconds float64                `json:"disorder_seconds"`
	Rejected        map[event.Reason]int64 `json:"rejected"`
	Damaged         string                 `json:"damaged,omitempty"`
}

func (c *ingestInspectCmd) Run(ctx context.Context, t *terminal) error {
	s := t.status()
	defer s.clear()
	opts, err := c.options(t, s)
	if err != nil {
		return err
	}
	opts.Guess = func(g ingest.Guessed) (mapping.Mapping, error) {
		if len(g.Missing) > 0 {
			return c.take(t, s, g)
		}
		s.clear()
		printGuess(t.err, g)
		return g.Mapping, nil
	}
	im, err := ingest.OpenImport(ctx, opts)
	s.clear()
	if err != nil {
		return err
	}
	defer im.Close()
	if c.Output == "json" {
		all := []inspectedFile{}
		for _, f := range im.Survey().Files {
			all = append(all, inspected(f))
		}
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(all)
	} else {
		printSurvey(t.out, im.Survey())
	}
	if err != nil {
		return err
	}
	errs := []error{im.Check(), c.saveMap(im.Survey())}
	for _, f := range im.Survey().Files {
		if f.Damaged != "" {
			errs = append(errs, fmt.Errorf("%s: %s", f.Path, f.Damaged))
		}
	}
	return errors.Join(errs...)
}

func inspected(f ingest.FileSurvey) inspectedFile {
	in := inspectedFile{
		Path: f.Path, Format: f.Format, Rows: f.Read, Events: f.Valid(), Types: f.Types,
		DisorderSeconds: f.Disorder.Seconds(), Rejected: make(map[event.Reason]int64), Damaged: f.Damaged,
	}
	if f.Valid() > 0 {
		in.From, in.To = &f.First, &f.Last
	}
	if f.Mapping != nil {
		in.Map = f.Mapping.String()
	}
	for reason, rows := range f.Rejected {
		in.Rejected[reason] = rows.Count
	}
	return in
}

func printSurvey(w io.Writer, s ingest.Survey) {
	for i, f := range s.Files {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s\n", printable(f.Path), f.Format)
		fmt.Fprintf(w, "  %s rows, %s of them events\n", count(f.Read), count(f.Valid()))
		if f.Valid() > 0 {
			fmt.Fprintf(w, "  from %s to %s\n", f.First.Format(time.RFC3339), f.Last.Format(time.RFC3339))
			for _, name := range slices.SortedFunc(maps.Keys(f.Types), func(a, b string) int {
				return cmp.Or(cmp.Compare(f.Types[b], f.Types[a]), cmp.Compare(a, b))
			}) {
				fmt.Fprintf(w, "  %12s %s\n", count(f.Types[name]), printable(name))
			}
		}
		if f.Disorder > 0 {
			fmt.Fprintf(w, "  up to %s out of order\n", f.Disorder.Round(time.Millisecond))
		}
		if f.Damaged != "" {
			fmt.Fprintf(w, "  %s\n", f.Damaged)
		}
	}
	for _, name := range s.PassedOver {
		fmt.Fprintf(w, "%s: passed over\n", printable(name))
	}
	printRejections(w, s.Rejected())
}
