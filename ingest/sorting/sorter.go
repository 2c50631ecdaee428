// Package sorting puts records in the order of their times, on disk where they
// do not fit in memory: an external merge sort (Knuth, The Art of Computer
// Programming, volume 3, section 5.4).
package sorting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"clickstream/internal/event"
)

const (
	// DefaultMaxBytes bounds the memory of a Sorter that has no other bound.
	DefaultMaxBytes = 256 << 20
	// MaxRecord is the size of the longest record.
	MaxRecord = 1 << 20
	// maxRuns are open at the same time; one more, and they become one.
	maxRuns = 64
	// blockSize is compressed at once. A run that is read has three in memory.
	blockSize = 64 << 10
)

// Config of a Sorter.
type Config struct {
	// MaxBytes bounds the memory; default DefaultMaxBytes. A quarter of it holds
	// records; the rest is for the temporary files that are read and for what
	// the garbage collector has not freed yet. At least 32 MiB.
	MaxBytes int
	// TempDir is where temporary files are made; default os.TempDir(). They
	// have no name, so they are gone when the process ends. Together they are
	// as large as the records, compressed to a third or so, and twice that
	// while more than 64 of them become one.
	TempDir string
}

// Sorter sorts records by time; those of one time stay in the order in which
// they were added. It is not safe for concurrent use. The caller closes it.
type Sorter struct {
	maxBytes int
	dir      string

	chunks  [][]byte // each MaxRecord long
	used    int      // of the last chunk in use
	current int      // the chunk in use
	entries []entry
	runs    []*run
	records int64
}

// entry is a record in memory.
type entry struct {
	at       event.Millis
	from, to uint32 // in its chunk
	chunk    uint32
}

const entrySize = 24

// New checks the settings.
func New(cfg Config) (*Sorter, error) {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxBytes < 32<<20 {
		return nil, fmt.Errorf("sort: a bound of %d bytes of memory is too low: give at least 32 MiB", cfg.MaxBytes)
	}
	return &Sorter{maxBytes: cfg.MaxBytes, dir: cfg.TempDir}, nil
}

// Add adds a record, whose bytes are copied. An error is a temporary file's, or
// ctx's while temporary files are merged.
func (s *Sorter) Add(ctx context.Context, at event.Millis, record []byte) error {
	if len(record) > MaxRecord {
		return fmt.Errorf("sort: a record of %d bytes is longer than %d", len(record), MaxRecord)
	}
	if s.full(len(record)) {
		if err := s.spill(ctx); err != nil {
			return spillError(err)
		}
	}
	if len(s.chunks) == 0 || s.used+len(record) > MaxRecord {
		s.nextChunk()
	}
	from := s.used
	s.used += copy(s.chunks[s.current][from:], record)
	s.entries = append(s.entries, entry{at: at, from: uint32(from), to: uint32(s.used), chunk: uint32(s.current)})
	s.records++
	return nil
}

// full says whether a record more passes the bound. The entries may be copied
// when they grow, and then take as much again for a moment.
func (s *Sorter) full(size int) bool {
	chunks := s.current + 1
	if s.used+size > MaxRecord {
		chunks++
	}
	return len(s.entries) > 0 && chunks*MaxRecord+2*len(s.entries)*entrySize > s.maxBytes/4
}

func (s *Sorter) nextChunk() {
	if len(s.chunks) > 0 {
		s.current++
	}
	if s.current == len(s.chunks) {
		s.chunks = append(s.chunks, make([]byte, MaxRecord))
	}
	s.used = 0
}

// Records is how many have been added.
func (s *Sorter) Records() int64 { return s.records }

// Spilled says whether temporary files were needed.
func (s *Sorter) Spilled() bool { return len(s.runs) > 0 }

func (s *Sorter) sort() {
	// A stable sort keeps the order of those of one time.
	slices.SortStableFunc(s.entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
}

func (s *Sorter) record(e entry) []byte { return s.chunks[e.chunk][e.from:e.to] }

// spill writes what is in memory to a temporary file.
func (s *Sorter) spill(ctx context.Context) error {
	if len(s.runs) == maxRuns {
		if err := s.merge(ctx); err != nil {
			return err
		}
	}
	s.sort()
	w, err := newRun(s.dir)
	if err != nil {
		return err
	}
	for _, e := range s.entries {
		if err := w.add(e.at, s.record(e)); err != nil {
			return errors.Join(err, w.run.close())
		}
	}
	done, err := w.finish()
	if err != nil {
		return errors.Join(err, w.run.close())
	}
	s.runs = append(s.runs, done)
	s.entries, s.current, s.used = s.entries[:0], 0, 0
	return nil
}

// merge makes one run of all.
func (s *Sorter) merge(ctx context.Context) error {
	w, err := newRun(s.dir)
	if err != nil {
		return err
	}
	sources, err := s.sources()
	if err != nil {
		return errors.Join(err, w.run.close())
	}
	m := newMerge(sources)
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return errors.Join(ctx.Err(), w.run.close())
		}
		at, record, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.add(at, record)
		}
		if err != nil {
			return errors.Join(err, w.run.close())
		}
	}
	done, err := w.finish()
	if err != nil {
		return errors.Join(err, w.run.close())
	}
	err = s.closeRuns()
	s.runs = append(s.runs, done)
	return err
}

func (s *Sorter) sources() ([]stream, error) {
	var sources []stream
	for _, r := range s.runs {
		in, err := r.open()
		if err != nil {
			return nil, err
		}
		sources = append(sources, in)
	}
	return sources, nil
}

// Sorted returns the records in order. Nothing can be added after it, and it is
// called once.
func (s *Sorter) Sorted(ctx context.Context) (*Merge, error) {
	if len(s.runs) == 0 {
		s.sort()
		return newMerge([]stream{&inMemory{s: s}}), nil
	}
	// The memory is for whoever takes the records now.
	err := s.spill(ctx)
	s.chunks, s.entries = nil, nil
	var sources []stream
	if err == nil {
		sources, err = s.sources()
	}
	if err != nil {
		return nil, spillError(err)
	}
	return newMerge(sources), nil
}

func (s *Sorter) closeRuns() error {
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.close())
	}
	s.runs = nil
	return errors.Join(errs...)
}

// Close frees the memory and the temporary files.
func (s *Sorter) Close() error {
	s.chunks, s.entries = nil, nil
	return s.closeRuns()
}

// spillError says what helps, unless it was a context that ended.
func spillError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("sort in temporary files: %w; free some space there, or set TMPDIR to a folder that has more", err)
}
