package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"clickstream/ingest"
	"clickstream/ingest/mapping"
)

// mapFlags say how the columns of files of no known format become events.
type mapFlags struct {
	Map      string `placeholder:"MAPPING" help:"How the columns of files of no known format become events, such as event_type=action,timestamp=ts,product_id=sku,user_id=uid; auto: as they look like; @FILE: as a file says. docs/files.md has all of it."`
	SaveMap  string `placeholder:"FILE" help:"Write the mapping that is used to a file, for --map @FILE."`
	Encoding string `placeholder:"NAME" help:"What the files are written in, such as windows-1252 (default: UTF-8 or UTF-16, found from the first bytes)."`
}

// mapping is the one that is given, or nil.
func (f *mapFlags) mapping() (*mapping.Mapping, error) {
	if f.Map == "" {
		return nil, nil
	}
	path, isFile := strings.CutPrefix(f.Map, "@")
	if !isFile {
		m, err := mapping.Parse(f.Map)
		if err != nil {
			return nil, usageError{fmt.Errorf("--map: %w", err)}
		}
		return &m, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("--map: %w", err)}
	}
	defer file.Close()
	m, err := mapping.Load(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--map: %s: %w", path, err)}
	}
	return &m, nil
}

// take decides on a guess. It takes it where auto is given, asks on a terminal,
// and otherwise says what to give.
func (f *fileFlags) take(t *terminal, s *status, g ingest.Guessed) (mapping.Mapping, error) {
	s.clear()
	printGuess(t.err, g)
	switch {
	case len(g.Missing) > 0:
		return g.Mapping, errors.New("its columns cannot be guessed: give --map auto with what is missing, such as --map auto,product_id=COLUMN,user_id=COLUMN")
	case f.Map != "":
		return g.Mapping, nil
	case t.inTTY && t.errTTY:
		if t.confirm("Read it like this?") {
			return g.Mapping, nil
		}
	}
	return g.Mapping, errors.New("give --map auto to read it like this, or the --map above with what is wrong corrected")
}

// printGuess shows a guess as the flag that gives it.
func printGuess(w io.Writer, g ingest.Guessed) {
	wrapped(w, 0, printable(g.Path)+" is of no known format. Its columns are: "+printable(strings.Join(g.Columns, ", ")))
	if len(g.Missing) > 0 {
		for _, missing := range g.Missing {
			wrapped(w, 0, "- "+printable(missing))
		}
		return
	}
	fmt.Fprintf(w, "They look like this mapping:\n\n  --map %s\n\n", printable(quoted(g.Mapping.String())))
	for _, doubt := range g.Doubts {
		wrapped(w, 0, "- "+printable(doubt))
	}
	if len(g.First) > 0 {
		fmt.Fprintf(w, "Its first %d events would be:\n", len(g.First))
		for _, e := range g.First {
			fmt.Fprintln(w, "  "+printable(e))
		}
	}
}

// quoted is text as one word of a shell's command line.
func quoted(text string) string {
	if !strings.ContainsAny(text, "\"$`\\!") {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// saveMap writes the mapping that the files are read by.
func (f *mapFlags) saveMap(s ingest.Survey) error {
	if f.SaveMap == "" {
		return nil
	}
	var used *mapping.Mapping
	for _, file := range s.Files {
		switch {
		case file.Mapping == nil:
		case used == nil:
			used = file.Mapping
		case used.String() != file.Mapping.String():
			return usagef("--save-map: the files are read by different mappings: give one --map for all of them, or import them one by one")
		}
	}
	if used == nil {
		return usagef("--save-map: there is no mapping, as the files are of known formats")
	}
	var text strings.Builder
	if err := used.Save(&text); err != nil {
		return fmt.Errorf("--save-map: %w", err)
	}
	if err := os.WriteFile(f.SaveMap, []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("--save-map: %w", err)
	}
	return nil
}
