package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"clickstream/ingest/files"
	"clickstream/ingest/formats"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
	"clickstream/internal/grace"
)

// find looks at all paths and formats, and reports everything that is wrong.
// What can be read only once is copied into a temporary file if it has to be
// read twice.
func (im *Import) find(ctx context.Context) error {
	found, err := files.Find(im.opts.Paths, interruptible{ctx, im.opts.Stdin})
	im.inputs, im.surveyed.PassedOver = found.Inputs, found.PassedOver
	if err == nil && im.opts.Order == ByTime {
		err = im.spool(ctx)
	}
	errs := []error{err}
	known := true
	for _, in := range im.inputs {
		im.total += in.Size
		if known = known && in.Again; in.Again {
			errs = append(errs, im.probe(in))
		} else if m := im.opts.Mapping; m != nil && !m.Auto {
			im.mappings[in.Name] = m
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

// probe finds out how a file is read.
func (im *Import) probe(in files.Input) error {
	m, err := im.mappingOf(in)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	im.mappings[in.Name] = m
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
	return im.openMapped(in, im.mappings[in.Name], opts)
}

func (im *Import) openMapped(in files.Input, m *mapping.Mapping, opts formats.Options) (*reader, error) {
	src, err := in.Open(&im.bytes)
	if err != nil {
		return nil, err
	}
	opts.Format, opts.Mapping, opts.Encoding = im.opts.Format, m, im.opts.Encoding
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
	im.report.First, im.report.Last = im.earliest.Time(), im.latest.Time()
	im.report.Appended = im.batch.appended.all()
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
	if _, unknown := errors.AsType[*formats.UnknownError](err); unknown && im.opts.Mapping != nil {
		return fmt.Errorf("%w that is given whole, as what is read in one pass cannot be guessed; or give --order time", err)
	}
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
	row := place{file: in.Name}
	for {
		if err := im.pauseAndSettle(ctx, sending); err != nil {
			return err
		}
		err := r.Next(&e)
		if _, ok := errors.AsType[*event.Rejection](err); err != nil && !ok {
			return im.endOfFile(r, err, &f.Damaged)
		}
		line, raw := r.Row()
		row = row.next(line)
		if !in.Again { // or readAgain finds the bytes where they are needed
			row.original = raw
		}
		if err == nil {
			if e.Source == "" {
				e.Source = source
			}
			if err = take(&e, row); err == nil {
				im.span(e.Timestamp)
			}
		}
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			row.original = raw
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

// span takes the time of an accepted event into the report.
func (im *Import) span(at event.Millis) {
	if !im.any {
		im.any, im.earliest, im.latest = true, at, at
	}
	im.earliest, im.latest = min(im.earliest, at), max(im.latest, at)
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

// readAgain returns the bytes of a row. It reads its file up to there, which is
// slow, and needed only for an event that is valid and that the broker refuses
// all the same.
func (im *Import) readAgain(row place) ([]byte, error) {
	i := slices.IndexFunc(im.inputs, func(in files.Input) bool { return in.Name == row.file })
	r, err := im.open(im.inputs[i], formats.Options{WithoutIDs: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var e event.Event
	var at place
	for {
		err := r.Next(&e)
		if _, ok := errors.AsType[*event.Rejection](err); err != nil && !ok {
			return nil, fmt.Errorf("%s: find line %d again: %w", row.file, row.index, err)
		}
		line, raw := r.Row()
		if at = at.next(line); at.index == row.index && at.nth == row.nth {
			return bytes.Clone(raw), nil
		}
	}
}
