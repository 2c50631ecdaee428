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
	"clickstream/internal/event"
	"clickstream/internal/grace"
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
	PassedOver []string      // as in Survey
	Disorder   time.Duration // how much earlier than an event before it an event was
	Sorted     bool          // the rows were sorted for that
	Elapsed    time.Duration
}

// Import appends the events of files to the log. A bad row, and one that the
// broker will never take, goes to the rejected topic with its file and line, and
// the import goes on. The caller closes it.
type Import struct {
	opts     Options
	inputs   []files.Input
	release  []func() error // of temporary files
	surveyed Survey
	order    []int // in which inputs are appended
	batch    *Batch
	report   Report

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
	im := &Import{opts: opts, report: Report{Rejections: make(Rejections)}}
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

// Survey is what the files hold. In the order AsRead they have not been read.
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

// find looks at all paths and formats, and reports everything that is wrong.
// What can be read only once is copied into a temporary file if it has to be
// read twice.
func (im *Import) find(ctx context.Context) error {
	found, err := files.Find(im.opts.Paths, interruptible{ctx, im.opts.Stdin})
	im.inputs, im.report.PassedOver = found.Inputs, found.PassedOver
	if err == nil && im.opts.Order == ByTime {
		err = im.spool(ctx)
	}
	errs := []error{err}
	known := true
	for _, in := range im.inputs {
		im.total += in.Size
		if known = known && in.Again; in.Again {
			errs = append(errs, im.probe(in))
		}
	}
	if !known {
		im.total = 0
	}
	return errors.Join(errs...)
}

func (im *Import) spool(ctx context.Context) error {
	im.pass(Spooling, 0)
	for i, in := range im.inputs {
		if in.Again {
			continue
		}
		im.path = in.Name
		spooled, release, err := files.Spool(in, im.opts.TempDir, &im.bytes, func() error {
			im.show(false)
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		im.inputs[i] = spooled
		im.release = append(im.release, release)
	}
	return nil
}

func (im *Import) probe(in files.Input) error {
	r, err := im.open(in, formats.Options{WithoutIDs: true})
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	r.Close()
	return nil
}

// reader reads the rows of one input.
type reader struct {
	*formats.Reader
	src io.ReadCloser
}

func (r *reader) Close() {
	r.Reader.Close()
	_ = r.src.Close() // it was only read
}

func (im *Import) open(in files.Input, opts formats.Options) (*reader, error) {
	src, err := in.Open(&im.bytes)
	if err != nil {
		return nil, err
	}
	opts.Format = im.opts.Format
	opts.TempDir = im.opts.TempDir
	r, err := formats.Open(src, opts)
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return &reader{r, src}, nil
}

// endOfFile returns what ended the reading of a file, nil for its end. Where a
// packed file is damaged the rows before are whole: it ends there, and damaged
// says so.
func (im *Import) endOfFile(r *reader, err error, damaged *string) error {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	line, _ := r.Row()
	if broken, ok := errors.AsType[*files.DamagedError](err); ok {
		*damaged = fmt.Sprintf("%v after line %d", broken, line)
		return nil
	}
	return fmt.Errorf("after line %d: %w", line, err)
}

// append is the pass, or the two, that import the rows.
func (im *Import) append(ctx context.Context) error {
	// What was read before the end has to get in: sending outlives ctx a bit.
	sending, cancel := grace.Context(ctx, grace.Stop)
	defer cancel()
	var err error
	if im.report.Sorted {
		err = im.appendSorted(ctx, sending)
	} else {
		err = im.appendAsRead(ctx, sending)
	}
	if settled := im.settle(sending); err == nil || settled != nil && ctx.Err() == nil {
		err = settled
	}
	im.report.Accepted, im.report.Rejected = im.batch.counts()
	im.show(true)
	return err
}

func (im *Import) appendAsRead(ctx, sending context.Context) error {
	im.pass(Appending, im.surveyed.Read())
	return im.readFiles(ctx, sending, func(e *event.Event, row place) error { return im.batch.append(sending, e, row) })
}

// readFiles gives each event to take, and rejects the other rows.
func (im *Import) readFiles(ctx, sending context.Context, take func(*event.Event, place) error) error {
	for _, i := range im.order {
		in := im.inputs[i]
		im.path = in.Name
		f := FileReport{Path: in.Name}
		err := im.readFile(ctx, sending, in, &f, take)
		im.report.Files = append(im.report.Files, f)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Name, err)
		}
	}
	return nil
}

func (im *Import) readFile(ctx, sending context.Context, in files.Input, f *FileReport, take func(*event.Event, place) error) error {
	r, err := im.open(in, formats.Options{Interrupted: ctx.Err})
	if err != nil {
		return err
	}
	defer r.Close()
	f.Format = r.Format()
	source := im.opts.Source
	if source == "" {
		source = r.Format()
	}
	rejected := make(Rejections)
	var e event.Event
	for {
		if err := im.pauseAndSettle(ctx, sending); err != nil {
			return err
		}
		err := r.Next(&e)
		if _, ok := errors.AsType[*event.Rejection](err); err != nil && !ok {
			return im.endOfFile(r, err, &f.Damaged)
		}
		line, raw := r.Row()
		row := place{file: in.Name, index: line, original: raw}
		if err == nil {
			if e.Source == "" {
				e.Source = source
			}
			err = take(&e, row)
		}
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			rejected.add(*bad, in.Name, line, raw)
			err = im.reject(sending, row, *bad)
		}
		if err != nil {
			return err
		}
		f.Read++
		im.read++
		im.report.Read++
		if err := im.opts.checkRejected(f.Read, rejected); err != nil {
			return err
		}
	}
}

// pauseAndSettle is pause for a pass that appends: events that the broker
// refused do not pile up.
func (im *Import) pauseAndSettle(ctx, sending context.Context) error {
	if im.read%256 != 0 {
		return nil
	}
	if err := im.pause(ctx); err != nil {
		return err
	}
	if im.batch.anyRefused.Load() {
		return im.settle(sending)
	}
	return nil
}

func (im *Import) reject(ctx context.Context, row place, bad event.Rejection) error {
	im.report.Rejections.add(bad, row.file, row.index, row.original)
	return im.batch.Reject(ctx, event.Rejected{
		Value: row.original, Rejection: bad,
		Origin: event.Origin{Kind: event.OriginFile, Name: row.file, Position: row.index},
	})
}

// settle waits for all rows so far and rejects those that the broker refused.
func (im *Import) settle(ctx context.Context) error {
	return im.batch.settle(ctx, func(row place, bad event.Rejection) (err error) {
		if len(row.original) == 0 {
			if row.original, err = im.readAgain(row); err != nil {
				return err
			}
		}
		return im.reject(ctx, row, bad)
	})
}
