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

	"clickstream/ingest/formats"
	"clickstream/internal/event"
	"clickstream/internal/grace"
)

// Options of ImportFiles.
type Options struct {
	Paths    []string // files, or "-" for Stdin; gz and zst are unpacked
	Format   string   // a name of formats.Names(), or "" or "auto": found from the first lines
	Source   string   // source of events that name none; default: the format's name
	Producer *Producer
	Stdin    io.Reader      // default: os.Stdin
	Progress func(Progress) // if not nil, called about ten times a second and at the end
}

// Progress is how far an import has come.
type Progress struct {
	Path       string // the file being read
	Bytes      int64  // read so far, of all files, as they lie on disk
	TotalBytes int64  // of all files; 0 where that is not known
	Read       int64  // rows
	Elapsed    time.Duration
}

// EventsPerSecond is the mean so far.
func (p Progress) EventsPerSecond() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Read) / p.Elapsed.Seconds()
}

// FileReport is what became of one file.
type FileReport struct {
	Path   string
	Format string
	Read   int64
}

// Report is what became of an import. After one without an error
// Read = Accepted + Rejected.
type Report struct {
	Read     int64 // rows
	Accepted int64 // acknowledged on the log, later copies included
	Rejected int64 // acknowledged in the rejected topic
	ByReason map[event.Reason]int64
	Files    []FileReport
	Elapsed  time.Duration
}

// ImportFiles appends the files' events to the log, one file after the other,
// each in the order of its rows. A bad row, and one that the broker will never
// take, goes to the rejected topic with its file and line, and the import goes
// on. All paths are looked at, and their formats found, before anything is
// imported.
//
// It returns when everything is acknowledged. When ctx ends it stops at the
// next row, waits a few seconds for what is under way, and returns what is in
// and an error; importing the same files again adds only what is missing. A
// file without a line is a file without events.
func ImportFiles(ctx context.Context, opts Options) (Report, error) {
	if err := opts.prepare(); err != nil {
		return Report{}, err
	}
	im := &importing{
		opts:   opts,
		batch:  opts.Producer.settlingBatch(),
		report: Report{ByReason: make(map[event.Reason]int64)},
		start:  time.Now(),
	}
	total, err := im.lookAt(opts.Paths)
	if err != nil {
		return im.report, err
	}
	im.total = total
	// What was read before the end has to get in: sending outlives ctx a bit.
	sending, cancel := grace.Context(ctx, grace.Stop)
	defer cancel()
	for _, path := range opts.Paths {
		if err = im.file(ctx, sending, path); err != nil {
			break
		}
	}
	if waitErr := im.settle(sending); err == nil || waitErr != nil && ctx.Err() == nil {
		err = waitErr
	}
	im.report.Accepted, im.report.Rejected = im.batch.counts()
	im.report.Elapsed = time.Since(im.start)
	im.show(true)
	if err != nil {
		return im.report, fmt.Errorf("import stopped after %d rows (%d accepted, %d rejected); repeat it to add what is missing: %w",
			im.report.Read, im.report.Accepted, im.report.Rejected, err)
	}
	return im.report, nil
}

func (o *Options) prepare() error {
	var errs []error
	if o.Producer == nil {
		errs = append(errs, errors.New("no producer is given"))
	}
	if len(o.Paths) == 0 {
		errs = append(errs, errors.New("no file is given: name at least one, or - for standard input"))
	}
	if !formats.Valid(o.Format) {
		errs = append(errs, fmt.Errorf("there is no format %q: give %s or %s", o.Format, strings.Join(formats.Names(), ", "), formats.Auto))
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

type importing struct {
	opts   Options
	batch  *Batch
	report Report

	path  string
	bytes atomic.Int64 // an unpacker may read ahead in a goroutine of its own
	total int64
	start time.Time
	shown time.Time // when progress was last reported
}

// lookAt returns the size of all files, or everything that is wrong with them.
// A pipe can be read only once, so it shows what it holds in its turn.
func (im *importing) lookAt(paths []string) (total int64, err error) {
	var errs []error
	known := true
	stdin := 0
	for _, path := range paths {
		if path == "-" {
			known = false
			if stdin++; stdin == 2 {
				errs = append(errs, errors.New("standard input is given twice"))
			}
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case info.IsDir():
			errs = append(errs, fmt.Errorf("%s is a folder: name the files in it", path))
			continue
		case !info.Mode().IsRegular():
			known = false
			continue
		}
		total += info.Size()
		if err := im.probe(path); err != nil {
			errs = append(errs, err)
		}
	}
	if !known {
		total = 0
	}
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	return total, nil
}

func (im *importing) probe(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := formats.Open(f, formats.Options{Format: im.opts.Format, WithoutIDs: true})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.Close()
	return nil
}

func (im *importing) file(ctx, sending context.Context, path string) error {
	im.path = path
	var src io.Reader
	if path == "-" {
		im.path = "stdin"
		src = interruptible{ctx, im.opts.Stdin}
	} else {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		src = f
	}
	r, err := formats.Open(counted{src, &im.bytes}, formats.Options{Format: im.opts.Format, Interrupted: ctx.Err})
	if err != nil {
		return fmt.Errorf("%s: %w", im.path, err)
	}
	defer r.Close()
	before := im.report.Read
	err = im.rows(ctx, sending, r)
	im.report.Files = append(im.report.Files, FileReport{Path: im.path, Format: r.Format(), Read: im.report.Read - before})
	if err != nil {
		line, _ := r.Row()
		return fmt.Errorf("%s, after line %d: %w", im.path, line, err)
	}
	return nil
}

func (im *importing) rows(ctx, sending context.Context, r *formats.Reader) error {
	source := im.opts.Source
	if source == "" {
		source = r.Format()
	}
	var e event.Event
	for n := 0; ; n++ {
		if n%256 == 0 {
			im.show(false)
			if err := ctx.Err(); err != nil {
				return err
			}
			if im.batch.anyRefused.Load() {
				if err := im.settle(sending); err != nil {
					return err
				}
			}
		}
		err := r.Next(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			if e.Source == "" {
				e.Source = source
			}
			err = im.batch.append(sending, &e, im.row(r))
		}
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			err = im.reject(sending, im.row(r), *bad)
		}
		if err != nil {
			return err
		}
		im.report.Read++
	}
}

// row is the place of the row that was read last.
func (im *importing) row(r *formats.Reader) place {
	line, raw := r.Row()
	return place{file: im.path, index: line, original: raw}
}

func (im *importing) reject(ctx context.Context, row place, bad event.Rejection) error {
	im.report.ByReason[bad.Reason]++
	return im.batch.Reject(ctx, event.Rejected{
		Value: row.original, Rejection: bad,
		Origin: event.Origin{Kind: event.OriginFile, Name: row.file, Position: row.index},
	})
}

// settle waits for all rows so far and rejects those that the broker refused.
func (im *importing) settle(ctx context.Context) error {
	return im.batch.settle(ctx, func(row place, bad event.Rejection) error { return im.reject(ctx, row, bad) })
}

func (im *importing) show(always bool) {
	if im.opts.Progress == nil {
		return
	}
	now := time.Now()
	if !always && now.Sub(im.shown) < 100*time.Millisecond {
		return
	}
	im.shown = now
	im.opts.Progress(Progress{
		Path: im.path, Bytes: im.bytes.Load(), TotalBytes: im.total,
		Read: im.report.Read, Elapsed: now.Sub(im.start),
	})
}

// counted counts the bytes read.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// interruptible lets go of a Read when ctx ends: nothing else wakes up a read
// of a terminal or a pipe. The goroutine of such a read ends with the next
// input or the process.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // p is the caller's again once this returns
	done := make(chan result, 1)
	go func() {
		n, err := i.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, own[:r.n]), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
