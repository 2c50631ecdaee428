package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"clickstream/ingest"
	"clickstream/ingest/formats"
	"clickstream/ingest/mapping"
	"clickstream/internal/columns"
)

// fileFlags are the files that a command reads, and how.
type fileFlags struct {
	Files  []string `arg:"" placeholder:"FILE" help:"Files of events, folders or patterns; plain, .gz, .zst or .zip; - is standard input."`
	Format string   `default:"auto" placeholder:"NAME" help:"Format of the files: auto (found from the first lines), or one of ${formats}."`
	mapFlags
	MaxRejected share `default:"100%" placeholder:"SHARE" help:"Import nothing of files of which more rows are rejected than this, such as 1% (${default})."`
}

// orderFlags say in which order events are appended.
type orderFlags struct {
	Order      string `enum:"time,file" default:"time" placeholder:"NAME" help:"time: in the order of event time; files are read twice, and sorted if needed. file: as the rows come, in one pass, also from a pipe that does not end (${default})."`
	SortMemory int    `default:"256" placeholder:"MIB" help:"Memory for sorting, in MiB; what does not fit is sorted in temporary files (${default})."`
}

// share is a part of a whole, written as 1% or 0.01.
type share float64

func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f > 0 && f <= 1) {
		return fmt.Errorf("%q is not a share: give one above 0%% and up to 100%%, such as 1%%", text)
	}
	*s = share(f)
	return nil
}

// options are those of an import with the flags' files.
func (f *fileFlags) options(t *terminal, s *status) (ingest.Options, error) {
	if !formats.Valid(f.Format) {
		return ingest.Options{}, usagef("format %q is not known: give auto or one of %s", f.Format, strings.Join(formats.Names(), ", "))
	}
	m, err := f.mapping()
	if err != nil {
		return ingest.Options{}, err
	}
	return ingest.Options{
		Paths: f.Files, Format: f.Format, Mapping: m, Encoding: f.Encoding, MaxRejected: float64(f.MaxRejected), Stdin: t.in,
		Guess:    func(g ingest.Guessed) (mapping.Mapping, error) { return f.take(t, s, g) },
		Progress: func(p ingest.Progress) { s.set("%s", progress(p)) },
	}, nil
}

// open finds and checks the files, before an engine is started for them.
func (f *fileFlags) open(ctx context.Context, t *terminal, s *status, order orderFlags, lateness time.Duration) (*ingest.Import, error) {
	opts, err := f.options(t, s)
	if err != nil {
		return nil, err
	}
	opts.Order, opts.Lateness, opts.SortBytes = ingest.Order(order.Order), lateness, order.SortMemory<<20
	im, err := ingest.OpenImport(ctx, opts)
	if err == nil {
		if err = errors.Join(im.Check(), f.saveMap(im.Survey())); err != nil {
			im.Close()
		}
	}
	s.clear()
	if ctx.Err() != nil {
		t.say("stopped: nothing is imported")
		return nil, ctx.Err()
	}
	if rejected, ok := errors.AsType[*ingest.RejectedError](err); ok {
		printRejections(t.err, rejected.Rejected)
	}
	if err != nil {
		return nil, fmt.Errorf("nothing is imported: %w", err)
	}
	for _, name := range im.Survey().PassedOver {
		t.say("%s is passed over: its name is not that of a file of events", printable(name))
	}
	return im, nil
}

// formatsHelp lists the formats in the help of a command that reads files.
func formatsHelp() string {
	return "Formats:\n  " + strings.Join(formats.Descriptions(), "\n  ")
}

// progress is one line on how far an import is.
func progress(p ingest.Progress) string {
	done, total := p.Bytes, p.TotalBytes
	if p.Path == "" {
		done, total = p.Read, p.TotalRows // rows out of a sort
	}
	name := p.Path
	if name == "" {
		name = "sorted rows"
	}
	if p.Pass == ingest.Spooling {
		return fmt.Sprintf("%s %s  %s MB", p.Pass, printable(name), count(p.Bytes/1_000_000))
	}
	return fmt.Sprintf("%s %s %s  %s rows, %s/s", p.Pass, printable(name), bar(done, total), count(p.Read), count(int64(p.RowsPerSecond())))
}

// sorted says whether the rows were sorted.
func sorted(w io.Writer, r ingest.Report) {
	if r.Sorted {
		fmt.Fprintf(w, "The rows were up to %s out of order, and were sorted by time.\n", r.Disorder.Round(time.Second))
	}
}

// damage is the error of an import whose packed files were not whole.
func damage(r ingest.Report) error {
	var errs []error
	for _, f := range r.Files {
		if f.Damaged != "" {
			errs = append(errs, fmt.Errorf("%s: %s; the %s rows before are imported, the rest is lost: get the file again", f.Path, f.Damaged, count(f.Read)))
		}
	}
	return errors.Join(errs...)
}

// lineWidth is how wide what is printed for people is.
const lineWidth = 80

// printRejections lists rejected rows by reason, with the first of each.
func printRejections(w io.Writer, r ingest.Rejections) {
	if len(r) == 0 {
		return
	}
	fmt.Fprintf(w, "Rejected rows: %s\n", count(r.Total()))
	for _, reason := range r.Reasons() {
		rows := r[reason]
		fmt.Fprintf(w, "  %s %s\n", count(rows.Count), reason)
		for _, row := range rows.First {
			text := fmt.Sprintf("%s, line %d: ", row.File, row.Line)
			if row.Field != "" {
				text += row.Field + ": "
			}
			wrapped(w, 4, printable(text+row.Message))
			fmt.Fprintf(w, "      %s\n", columns.Clip(printable(string(row.Row)), lineWidth-6))
		}
		if more := rows.Count - int64(len(rows.First)); more > 0 {
			fmt.Fprintf(w, "    and %s more\n", count(more))
		}
	}
}

// wrapped prints text in lines of the usual width, the first indented, the others
// by two more.
func wrapped(w io.Writer, indent int, text string) {
	for i, line := range columns.Wrap(text, lineWidth-indent-2) {
		if i == 1 {
			indent += 2
		}
		fmt.Fprintln(w, strings.Repeat(" ", indent)+line)
	}
}
