package eventid

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

const (
	entrySize = 16  // a digest and how often it came again
	pageSize  = 256 // entries read at a time
	maxRuns   = 8   // files; one more and they are merged into one
)

// spill holds digests and their counts in temporary files: sorted runs, of
// which a newer one's count replaces an older one's.
type spill struct {
	dir    string
	create func(dir string) (file, error) // default: createTemp
	// interrupted may be nil; its error ends a write or a merge.
	interrupted func() error

	runs   []*run // oldest first
	filter filter
	page   [pageSize * entrySize]byte
}

// file is a temporary file without a name.
type file interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

func createTemp(dir string) (file, error) {
	f, err := os.CreateTemp(dir, "clickstream-rows-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// run is a file of entries in ascending order of their digests.
type run struct {
	file  file
	first []uint64 // the first digest of each page
	size  int64
}

// write adds a run. filterWords is the filter's size, which is the first
// call's for good.
func (s *spill) write(sorted []uint64, repeats map[uint64]uint64, filterWords int) error {
	if s.filter == nil {
		s.filter = make(filter, filterWords)
	}
	w, err := s.newRun()
	if err != nil {
		return err
	}
	for _, d := range sorted {
		s.filter.add(d)
		if err := w.append(d, repeats[d]); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	if len(s.runs) <= maxRuns {
		return nil
	}
	return s.merge()
}

// find returns how often d came again, and whether it is there at all.
func (s *spill) find(d uint64) (repeats uint64, found bool, err error) {
	if len(s.runs) == 0 || !s.filter.has(d) {
		return 0, false, nil
	}
	for _, r := range slices.Backward(s.runs) {
		if repeats, found, err = r.find(d, s.page[:]); found || err != nil {
			return repeats, found, err
		}
	}
	return 0, false, nil
}

func (r *run) find(d uint64, page []byte) (repeats uint64, found bool, err error) {
	p := sort.Search(len(r.first), func(i int) bool { return r.first[i] > d }) - 1
	if p < 0 {
		return 0, false, nil
	}
	from := int64(p) * pageSize * entrySize
	page = page[:min(int64(len(page)), r.size-from)]
	if _, err := r.file.ReadAt(page, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("read: %w", err)
	}
	n := len(page) / entrySize
	i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(page[i*entrySize:]) >= d })
	if i == n || binary.BigEndian.Uint64(page[i*entrySize:]) != d {
		return 0, false, nil
	}
	return binary.BigEndian.Uint64(page[i*entrySize+8:]), true, nil
}

// merge makes one run of all, so a digest is looked for in few.
func (s *spill) merge() error {
	old := s.runs
	cursors := make([]*cursor, len(old))
	for i, r := range old {
		cursors[i] = &cursor{in: bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.size), 256<<10)}
		if err := cursors[i].next(); err != nil {
			return err
		}
	}
	w, err := s.newRun()
	if err != nil {
		return err
	}
	for {
		var newest *cursor
		for _, c := range cursors { // oldest first, so an equal digest's newest entry wins
			if !c.done && (newest == nil || c.digest <= newest.digest) {
				newest = c
			}
		}
		if newest == nil {
			break
		}
		digest := newest.digest
		if err := w.append(digest, newest.repeats); err != nil {
			return err
		}
		for _, c := range cursors {
			if !c.done && c.digest == digest {
				if err := c.next(); err != nil {
					return err
				}
			}
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	s.runs = s.runs[len(old):]
	return closeRuns(old)
}

// close closes the files, whose space is free then.
func (s *spill) close() {
	_ = closeRuns(s.runs) // nothing in them is needed any more
	s.runs, s.filter = nil, nil
}

func closeRuns(runs []*run) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, r.file.Close())
	}
	return errors.Join(errs...)
}

// cursor reads a run from its beginning.
type cursor struct {
	in              *bufio.Reader
	digest, repeats uint64
	done            bool
}

func (c *cursor) next() error {
	var entry [entrySize]byte
	_, err := io.ReadFull(c.in, entry[:])
	if errors.Is(err, io.EOF) {
		c.done = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	c.digest, c.repeats = binary.BigEndian.Uint64(entry[:8]), binary.BigEndian.Uint64(entry[8:])
	return nil
}

// writer writes a run.
type writer struct {
	run         *run
	out         *bufio.Writer
	interrupted func() error
}

// newRun adds an empty run to s.runs, which closes it whatever happens.
func (s *spill) newRun() (*writer, error) {
	create := s.create
	if create == nil {
		create = createTemp
	}
	f, err := create(s.dir)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	r := &run{file: f}
	s.runs = append(s.runs, r)
	return &writer{run: r, out: bufio.NewWriterSize(f, 256<<10), interrupted: s.interrupted}, nil
}

func (w *writer) append(digest, repeats uint64) error {
	if w.run.size%(pageSize*entrySize) == 0 {
		if w.interrupted != nil {
			if err := w.interrupted(); err != nil {
				return err
			}
		}
		w.run.first = append(w.run.first, digest)
	}
	w.run.size += entrySize
	var entry [entrySize]byte
	binary.BigEndian.PutUint64(entry[:8], digest)
	binary.BigEndian.PutUint64(entry[8:], repeats)
	if _, err := w.out.Write(entry[:]); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (w *writer) finish() error {
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// filter is a Bloom filter of blocks of 512 bits, so an answer costs one
// access to memory: four bits of a block for each digest. At 12 bits a digest
// one in about a hundred is taken for known and looked for in vain.
type filter []uint64

const blockWords = 8

// block of d comes from its highest bits: digests in ascending order fill the
// filter from its beginning to its end.
func (f filter) block(d uint64) []uint64 {
	blocks := uint64(len(f) / blockWords)
	i := (d >> 32) * blocks >> 32 * blockWords
	return f[i : i+blockWords]
}

func (f filter) add(d uint64) {
	b := f.block(d)
	for range 4 {
		b[d>>6%blockWords] |= 1 << (d % 64)
		d >>= 9
	}
}

func (f filter) has(d uint64) bool {
	b := f.block(d)
	for range 4 {
		if b[d>>6%blockWords]&(1<<(d%64)) == 0 {
			return false
		}
		d >>= 9
	}
	return true
}
