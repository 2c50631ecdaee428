package ingest

import (
	"context"
	"time"
)

// Pass is what an import is doing.
type Pass string

// Passes of an import, in their order. Sorting is left out where the rows are in
// order already, and Spooling where nothing comes through a pipe.
const (
	Spooling  Pass = "reading" // a pipe into a temporary file
	Checking  Pass = "checking"
	Sorting   Pass = "sorting"
	Appending Pass = "appending"
)

// Progress is how far a pass has come.
type Progress struct {
	Pass       Pass
	Path       string // the file being read; empty after a sort
	Bytes      int64  // read so far in this pass, of all files, as they lie on disk
	TotalBytes int64  // of all files; 0 where that is not known
	Read       int64  // rows of this pass
	TotalRows  int64  // of this pass; 0 where that is not known
	Elapsed    time.Duration
}

// RowsPerSecond is the mean of the pass so far.
func (p Progress) RowsPerSecond() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Read) / p.Elapsed.Seconds()
}

// pass begins a pass over so many rows, or 0 where that is not known.
func (im *Import) pass(pass Pass, rows int64) {
	im.current, im.path, im.read, im.rows, im.begun = pass, "", 0, rows, time.Now()
	im.bytes.Store(0)
}

// pause is called for each row. It shows the progress now and then, and returns
// ctx's error once it has ended.
func (im *Import) pause(ctx context.Context) error {
	if im.read%256 != 0 {
		return nil
	}
	im.show(false)
	return ctx.Err()
}

func (im *Import) show(always bool) {
	if im.opts.Progress == nil {
		return
	}
	now := time.Now()
	if !always && now.Sub(im.shown) < 100*time.Millisecond {
		return
	}
	im.shown = now
	im.opts.Progress(Progress{
		Pass: im.current, Path: im.path, Bytes: im.bytes.Load(), TotalBytes: im.total,
		Read: im.read, TotalRows: im.rows, Elapsed: now.Sub(im.begun),
	})
}
