package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"clickstream/ingest/files"
	"clickstream/ingest/formats"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// Order is the order in which an import appends events.
type Order string

// Orders of an import.
const (
	// ByTime is the order of event time. Files are read twice: once to check
	// them and their order, and once to append them. They are sorted where an
	// event is earlier than one before it by more than the lateness.
	ByTime Order = "time"
	// AsRead is the order of the rows. Files are read once, and a pipe is
	// appended as it comes.
	AsRead Order = "file"
)

// Options of an Import.
type Options struct {
	Paths  []string  // as for files.Find
	Format string    // a name of formats.Names(), or "" or "auto": found from the first lines
	Source string    // source of events that name none; default: the format's name
	Stdin  io.Reader // default: os.Stdin

	// Mapping, if not nil, is how the files' columns become events. What an Auto
	// one leaves open is guessed.
	Mapping  *mapping.Mapping
	Encoding string // as formats.Options.Encoding
	// Guess, if not nil, is called with the guess of a file that is of no known
	// format, or whose mapping is to be guessed, and returns the mapping to read
	// it by. It is called once for files with the same guess.
	Guess func(Guessed) (mapping.Mapping, error)

	Order     Order         // default ByTime
	Lateness  time.Duration // of the alerts' rule; default: the default rule's
	SortBytes int           // as sorting.Config.MaxBytes
	TempDir   string        // for what does not fit in memory; default: os.TempDir()
	// MaxRejected ends the import of a file of which a larger share than this
	// is rejected, looked at from the 1,000th row on; 0 stands for 1, no limit.
	MaxRejected float64

	Progress func(Progress) // if not nil, called about ten times a second and at the end of each pass
}

// FileReport is what became of one file.
type FileReport struct {
	Path   string
	Format string
	Read   int64
	// Damaged says where a packed file is cut off or broken, or is empty. The
	// rows before are imported.
	Damaged string
}

// Report is what became of an import. After one without an error
// Read = Accepted + Rejected.
type Report struct {
	Read       int64 // rows
	Accepted   int64 // acknowledged on the log, later copies included
	Rejected   int64 // acknowledged in the rejected topic
	Rejections Rejections
	Files      []FileReport
	Disorder   time.Duration // how much earlier than an event before it an event was
	Sorted     bool          // the rows were sorted for that
	First      time.Time     // the earliest time of an accepted event
	Last       time.Time     // the latest one
	Appended   []OffsetRange // where the accepted events are on the log, in order in each partition
	Elapsed    time.Duration
}

// OffsetRange are records of a partition of the log, those from From up to To,
// which is not one of them.
type OffsetRange struct {
	Partition int32
	From, To  int64
}

// Import appends the events of files to the log. A bad row, and one that the
// broker will never take, goes to the rejected topic with its file and line, and
// the import goes on. The caller closes it.
type Import struct {
	opts     Options
	inputs   []files.Input
	release  []func() error              // of temporary files
	mappings map[string]*mapping.Mapping // by the file's name
	guessed  map[string]*mapping.Mapping // by the guess's text
	surveyed Survey
	order    []int // in which inputs are appended
	// Times of the accepted events, if there are any.
	any              bool
	earliest, latest event.Millis
	batch            *Batch
	report           Report

	// Of the pass.
	current Pass
	path    string       // the file being read
	bytes   atomic.Int64 // an unpacker may read ahead in a goroutine of its own
	total   int64        // bytes of all files, or 0
	read    int64
	rows    int64 // of the pass, or 0
	begun   time.Time
	shown   time.Time // when progress was last reported
}

// OpenImport finds the files and, ByTime, reads them for the first time. The
// error says everything that is wrong with the options, the paths and the
// formats, or is a *RejectedError.
func OpenImport(ctx context.Context, opts Options) (*Import, error) {
	im := &Import{
		opts: opts, report: Report{Rejections: make(Rejections)},
		mappings: make(map[string]*mapping.Mapping), guessed: make(map[string]*mapping.Mapping),
	}
	if err := im.opts.prepare(); err != nil {
		return nil, err
	}
	if err := im.look(ctx); err != nil {
		im.Close()
		return nil, err
	}
	return im, nil
}

// look finds the files and surveys them.
func (im *Import) look(ctx context.Context) error {
	if err := im.find(ctx); err != nil {
		return err
	}
	if im.opts.Order == AsRead {
		for i := range im.inputs {
			im.order = append(im.order, i)
		}
		return nil
	}
	if err := im.survey(ctx); err != nil {
		return err
	}
	im.order, im.report.Disorder = im.surveyed.inOrder()
	im.report.Sorted = im.report.Disorder > im.opts.Lateness
	return nil
}

// Survey is what the files hold. In the order AsRead they have not been read, and
// only PassedOver is known.
func (im *Import) Survey() Survey { return im.surveyed }

// Close removes temporary files.
func (im *Import) Close() {
	for _, release := range im.release {
		_ = release() // a temporary file without a name is gone in any case
	}
	im.release = nil
}

// Run appends the events through a Producer, best one with Bulk. It is called
// once, and appends nothing where Check returns an error.
//
// It returns when everything is acknowledged. When ctx ends it stops at the
// next row, waits a few seconds for what is under way, and returns what is in
// and an error; importing the same files again adds only what is missing.
func (im *Import) Run(ctx context.Context, p *Producer) (Report, error) {
	if err := im.Check(); err != nil {
		return im.report, err
	}
	started := time.Now()
	im.batch = p.settlingBatch()
	im.batch.appended = &ranges{newest: make(map[int32]int)}
	err := im.append(ctx)
	im.report.Elapsed = time.Since(started)
	if err != nil {
		return im.report, fmt.Errorf("import stopped after %d rows (%d accepted, %d rejected); repeat it to add what is missing: %w",
			im.report.Read, im.report.Accepted, im.report.Rejected, err)
	}
	return im.report, nil
}

// prepare sets defaults and reports everything that is wrong.
func (o *Options) prepare() error {
	var errs []error
	if len(o.Paths) == 0 {
		errs = append(errs, errors.New("no file is given: name at least one, or - for standard input"))
	}
	if !formats.Valid(o.Format) {
		errs = append(errs, fmt.Errorf("there is no format %q: give %s or %s", o.Format, strings.Join(formats.Names(), ", "), formats.Auto))
	}
	if o.Mapping != nil && o.Format != "" && o.Format != formats.Auto {
		errs = append(errs, fmt.Errorf("both a mapping and the format %s are given: give one of them", o.Format))
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Order == "" {
		o.Order = ByTime
	}
	if o.Order != ByTime && o.Order != AsRead {
		errs = append(errs, fmt.Errorf("there is no order %q: give %s or %s", o.Order, ByTime, AsRead))
	}
	if o.Lateness == 0 {
		o.Lateness = event.DefaultRule().Lateness
	}
	if o.MaxRejected == 0 {
		o.MaxRejected = 1
	}
	if o.MaxRejected < 0 || o.MaxRejected > 1 {
		errs = append(errs, fmt.Errorf("a share of %g rejected rows: give one from 0 to 1", o.MaxRejected))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// checkedFrom is the row from which on the share of rejected rows is looked at.
const checkedFrom = 1000

// checkRejected says whether too many of the rows read so far are rejected.
func (o *Options) checkRejected(read int64, rejected Rejections) error {
	if o.MaxRejected >= 1 || read%checkedFrom != 0 || read == 0 {
		return nil
	}
	return o.tooManyRejected(read, rejected)
}

func (o *Options) tooManyRejected(read int64, rejected Rejections) error {
	n := rejected.Total()
	if float64(n) <= o.MaxRejected*float64(read) {
		return nil
	}
	return &RejectedError{Read: read, Rejected: rejected, Limit: o.MaxRejected}
}

// RejectedError says that more rows were rejected than an import allows, or all.
type RejectedError struct {
	Read     int64
	Rejected Rejections
	Limit    float64 // the share; 1 where all rows were rejected
}

func (e *RejectedError) Error() string {
	if n := e.Rejected.Total(); n < e.Read {
		return fmt.Sprintf("%d of the first %d rows are rejected, more than the limit of %g%%", n, e.Read, 100*e.Limit)
	}
	return fmt.Sprintf("no row is an event: all %d are rejected", e.Read)
}

// Check refuses files that hold no event, or too many rows that are none. The
// error is a *RejectedError if there are rows.
func (im *Import) Check() error {
	if im.opts.Order == AsRead {
		return nil
	}
	read, rejected := im.surveyed.Read(), im.surveyed.Rejected()
	switch {
	case read == 0:
		return errors.New("the files hold no rows")
	case rejected.Total() == read:
		return &RejectedError{Read: read, Rejected: rejected, Limit: 1}
	}
	for _, f := range im.surveyed.Files {
		if err := im.opts.tooManyRejected(f.Read, f.Rejected); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}
