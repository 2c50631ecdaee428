package formats

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/formats/parse"
	"clickstream/ingest/formats/tracked"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// Auto finds the format from the first lines.
const Auto = "auto"

var known = []input.Format{native, rees46, otto, retailrocket, taobao, shopify, tracked.GA4, tracked.Segment, tracked.PostHog}

// Names of the formats that there are.
func Names() []string {
	var names []string
	for _, f := range known {
		names = append(names, f.Name)
	}
	return names
}

// Descriptions says of each format what a file of it looks like, a line each.
func Descriptions() []string {
	var lines []string
	for _, f := range known {
		lines = append(lines, f.Name+": "+f.Expects)
	}
	return lines
}

// Valid says whether name is a format's, Auto or empty (which is Auto).
func Valid(name string) bool {
	return name == "" || name == Auto || slices.Contains(Names(), name)
}

// Reader reads the events of one file.
type Reader struct {
	format string
	in     *input.Lines
	rows   input.Rows
	ids    eventid.Rows
}

// Options of Open. The zero value finds everything out.
type Options struct {
	Format     string           // a name of Names(), or "" or Auto: found from the first lines
	Mapping    *mapping.Mapping // if not nil, the file is read by it, whatever its format
	Encoding   string           // what the file is written in; default: the mapping's, or found from the first bytes
	WithoutIDs bool             // rows that have no id get none, for a survey
	TempDir    string           // where equal rows are numbered; default: os.TempDir()
	// Interrupted, which may be nil, is asked while equal rows are numbered in
	// temporary files, which can take seconds. Its error ends the reading.
	Interrupted func() error
}

// Open finds out what r holds and reads up to the first row. An empty r is a
// file without events, of any format. The caller closes the Reader; r stays the
// caller's.
func Open(r io.Reader, o Options) (*Reader, error) {
	if !Valid(o.Format) {
		return nil, fmt.Errorf("there is no format %q: give %s or %s", o.Format, strings.Join(Names(), ", "), Auto)
	}
	if o.Encoding == "" && o.Mapping != nil {
		o.Encoding = o.Mapping.Encoding
	}
	inUTF8, err := input.Decoded(r, o.Encoding)
	if err != nil {
		return nil, err
	}
	f := &Reader{in: input.New(inUTF8), ids: eventid.Rows{None: o.WithoutIDs, TempDir: o.TempDir, Interrupted: o.Interrupted}}
	if err := f.open(o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (r *Reader) open(o Options) error {
	if o.Mapping != nil {
		if err := r.in.Skip(o.Mapping.Skip); err != nil {
			return err
		}
	}
	head, err := r.in.Head()
	if err != nil {
		return fmt.Errorf("read the first lines: %w", err)
	}
	if len(head) == 0 {
		r.format, r.rows = "empty", nothing{}
		return nil
	}
	if o.Mapping != nil {
		r.format = "mapped"
		r.rows, err = mapped.Open(r.in, &r.ids, *o.Mapping)
		return err
	}
	for _, f := range known {
		if f.Name == o.Format || (o.Format == "" || o.Format == Auto) && f.Matches(head) {
			r.format = f.Name
			r.rows, err = f.Open(r.in, &r.ids)
			return err
		}
	}
	return &UnknownError{Begins: string(parse.Clip(head[0], 80))}
}

// UnknownError says that a file is of no known format.
type UnknownError struct {
	Begins string // up to 80 bytes of its first line
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("a file of no known format: it begins with %q; expected one of: %s; any other needs a mapping (--map)", e.Begins, strings.Join(Names(), ", "))
}

// Format is the format's name, "mapped" for a file that is read by a mapping, or
// "empty" for one without a line.
func (r *Reader) Format() string { return r.format }

// Next reads the next row into e. It returns io.EOF at the end, and a
// *event.Rejection for a bad row, after which it may be called again; any
// other error means that the file cannot be read any further. e's strings are
// good until the next call; a row that names no source leaves it empty.
func (r *Reader) Next(e *event.Event) error { return r.rows.Next(r.in, e) }

// Row is the line of the row that Next read last, from 1, and its bytes without
// the line's end, valid until the next call. Of a line that is too long
// they are the first 64 KiB, of one that holds several events those of the
// event, and a row of several lines is in the first of them. They are UTF-8,
// whatever the file is written in.
func (r *Reader) Row() (line int64, raw []byte) { return r.in.Row() }

// Close releases what numbering equal rows holds, temporary files included.
func (r *Reader) Close() { r.ids.Close() }

type nothing struct{}

func (nothing) Next(*input.Lines, *event.Event) error { return io.EOF }
