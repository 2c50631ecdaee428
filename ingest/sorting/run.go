package sorting

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"

	"clickstream/internal/event"
)

// run is a temporary file without a name that holds sorted records, each as its
// time (8 bytes, big endian), its length (unsigned varint) and its bytes, all of
// it compressed (S2).
type run struct{ file *os.File }

func (r *run) close() error { return r.file.Close() }

// runWriter writes a run.
type runWriter struct {
	run    *run
	buffer *bufio.Writer
	packed *s2.Writer
	head   [8 + binary.MaxVarintLen32]byte
}

func newRun(dir string) (*runWriter, error) {
	f, err := os.CreateTemp(dir, "clickstream-sort-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	packed := s2.NewWriter(f, s2.WriterBlockSize(blockSize), s2.WriterConcurrency(1))
	return &runWriter{run: &run{f}, packed: packed, buffer: bufio.NewWriterSize(packed, blockSize)}, nil
}

func (w *runWriter) add(at event.Millis, record []byte) error {
	head := binary.BigEndian.AppendUint64(w.head[:0], uint64(at))
	head = binary.AppendUvarint(head, uint64(len(record)))
	if _, err := w.buffer.Write(head); err != nil {
		return err
	}
	_, err := w.buffer.Write(record)
	return err
}

func (w *runWriter) finish() (*run, error) {
	if err := w.buffer.Flush(); err != nil {
		return nil, err
	}
	return w.run, w.packed.Close()
}

// runReader reads a run.
type runReader struct {
	in     *bufio.Reader
	record []byte
}

func (r *run) open() (*runReader, error) {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	packed := s2.NewReader(r.file, s2.ReaderMaxBlockSize(blockSize), s2.ReaderAllocBlock(blockSize))
	return &runReader{in: bufio.NewReaderSize(packed, blockSize)}, nil
}

func (r *runReader) next() (event.Millis, []byte, error) {
	var at [8]byte
	if _, err := io.ReadFull(r.in, at[:]); err != nil {
		return 0, nil, err // io.EOF where the run ends
	}
	n, err := binary.ReadUvarint(r.in)
	if err == nil && n > MaxRecord {
		err = fmt.Errorf("a record of %d bytes", n)
	}
	if err != nil {
		return 0, nil, cutOff(err)
	}
	if uint64(cap(r.record)) < n {
		r.record = make([]byte, max(n, 4096))
	}
	r.record = r.record[:n]
	if _, err := io.ReadFull(r.in, r.record); err != nil {
		return 0, nil, cutOff(err)
	}
	return event.Millis(binary.BigEndian.Uint64(at[:])), r.record, nil
}

// cutOff keeps the end of a file in the middle of a record from passing for the
// end of the run.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
