package ingest

import (
	"context"
	"errors"
	"io"
	"time"

	"clickstream/internal/event"
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

// ImportFiles is being built.
func ImportFiles(ctx context.Context, opts Options) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
