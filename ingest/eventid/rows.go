package eventid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
)

// defaultMaxBytes is the bound that Rows has unless another is set. Files of up
// to six million rows stay in memory under it.
const defaultMaxBytes = 64 << 20

// Rows gives ids to the rows of one file. It remembers 64 bits of each row's
// digest, to number equal rows. Two unequal rows that share those bits are
// numbered as if they were equal, which does no harm: their digests still
// differ, and reading the file again gives the same numbers.
//
// Memory is bounded: MaxBytes for digests and at most 5/8 of it for those that
// came again. What does not fit is written to temporary files, which have no
// name, so they are gone when they are closed or the process ends. Finding it
// there takes as much as MaxBytes again for a filter, and a byte for every
// 32 digests on disk. So by default a file of 42 million rows needs less than
// 170 MiB, and 16 bytes of disk a row, twice that while files are merged. The
// ids are the same with every bound.
//
// The zero Rows is ready for use. It is not safe for concurrent use. The caller
// closes it.
type Rows struct {
	None     bool   // rows get no id, and nothing is remembered
	MaxBytes int    // of digests in memory; default: 64 MiB
	TempDir  string // where temporary files are made; default: os.TempDir()
	// Interrupted, which may be nil, is asked while temporary files are written
	// and merged, which takes seconds for long files. Its error ends that.
	Interrupted func() error

	seen    digests
	repeats map[uint64]uint64 // how often a digest in seen came again
	disk    spill
	failed  error
}

// AppendID appends the id of the file's next row, whose content is c. An error
// is a temporary file's or Interrupted's, and every later call returns it too.
func (r *Rows) AppendID(dst []byte, c *Content) ([]byte, error) {
	if r.None {
		return dst, nil
	}
	sum := sha256.Sum256(c.buf)
	n, err := r.count(binary.BigEndian.Uint64(sum[16:]))
	if err != nil {
		return dst, err
	}
	if n > 0 {
		again := binary.BigEndian.AppendUint64(sum[:], n)
		sum = sha256.Sum256(again)
	}
	return hex.AppendEncode(append(dst, "row1-"...), sum[:16]), nil
}

// Close releases the memory and the temporary files. Rows can then be used for
// another file.
func (r *Rows) Close() {
	r.disk.close()
	*r = Rows{None: r.None, MaxBytes: r.MaxBytes, TempDir: r.TempDir, Interrupted: r.Interrupted}
}

// count returns how often d has come before.
func (r *Rows) count(d uint64) (uint64, error) {
	if r.failed != nil {
		return 0, r.failed
	}
	if !r.seen.hasRoom() || len(r.repeats) >= max(1, r.maxSlots()/8) {
		if err := r.makeRoom(); err != nil {
			return 0, r.fail(err)
		}
	}
	if !r.seen.add(d) {
		r.repeats[d]++
		return r.repeats[d], nil
	}
	before, found, err := r.disk.find(d)
	if err != nil {
		return 0, r.fail(err)
	}
	if !found {
		return 0, nil
	}
	r.repeats[d] = before + 1
	return before + 1, nil
}

// makeRoom doubles the memory for digests or, at the bound of either, writes
// what is in memory to disk. The map of repeats takes up to 40 bytes an entry.
func (r *Rows) makeRoom() error {
	if r.repeats == nil {
		r.repeats = make(map[uint64]uint64)
	}
	limit := r.maxSlots()
	if n := len(r.seen.slots); n < limit && !r.seen.hasRoom() {
		r.seen.grow(min(limit, max(1024, 2*n)))
		return nil
	}
	return r.spill()
}

// maxSlots is a power of two.
func (r *Rows) maxSlots() int {
	limit := r.MaxBytes
	if limit <= 0 {
		limit = defaultMaxBytes
	}
	return 1 << (bits.Len(uint(max(limit/8, 16))) - 1)
}

func (r *Rows) spill() error {
	r.disk.dir, r.disk.interrupted = r.TempDir, r.Interrupted
	if err := r.disk.write(r.seen.sorted(), r.repeats, r.maxSlots()); err != nil {
		return err
	}
	r.seen.clear()
	clear(r.repeats)
	return nil
}

func (r *Rows) fail(err error) error {
	r.disk.close()
	r.seen, r.repeats = digests{}, nil
	if r.Interrupted != nil && errors.Is(err, r.Interrupted()) {
		r.failed = err // no disk is to blame
		return err
	}
	r.failed = fmt.Errorf("number the file's equal rows in a temporary file: %w; free some space there, or set TMPDIR to a folder that has 32 bytes for each row", err)
	return r.failed
}
