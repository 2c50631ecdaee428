package files

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// DamagedError says that a packed file cannot be unpacked any further: it is
// cut off or its bytes are wrong. What came before is whole.
type DamagedError struct{ Err error }

func (e *DamagedError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return "the packed file is cut off"
	}
	return fmt.Sprintf("the packed file is damaged: %v", e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// Open opens the file and unpacks it. It adds the bytes that are read, before
// they are unpacked, to read. The reader's error is a *DamagedError where
// unpacking fails; any other is the file's.
func (in Input) Open(read *atomic.Int64) (io.ReadCloser, error) {
	src, err := in.open()
	if err != nil {
		return nil, err
	}
	f := &file{source: source{r: src, read: read}, closers: []func() error{src.Close}}
	if err := f.unpack(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// file is an open Input.
type file struct {
	source  source
	plain   io.Reader
	packed  bool
	closers []func() error
}

// unpack goes by the first bytes, not by the name.
func (f *file) unpack() error {
	b := bufio.NewReaderSize(&f.source, 256<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the first bytes: %w", err)
	}
	f.plain = b
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		f.packed = true
		if f.plain, err = gzip.NewReader(b); err != nil {
			return f.failed(err)
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return f.failed(err)
		}
		f.packed, f.plain = true, z
		f.closers = append(f.closers, func() error { z.Close(); return nil })
	}
	return nil
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.failed(err)
	}
	return n, err
}

// failed tells an error of the file from one of unpacking it.
func (f *file) failed(err error) error {
	if failed := f.source.failed.Load(); failed != nil {
		return *failed
	}
	if damaged := (*DamagedError)(nil); errors.As(err, &damaged) || !f.packed {
		return err
	}
	return &DamagedError{Err: err}
}

func (f *file) Close() error {
	var errs []error
	for _, closer := range slices.Backward(f.closers) {
		errs = append(errs, closer())
	}
	f.closers = nil
	return errors.Join(errs...)
}

// source counts what is read and keeps an error that is not the end. An
// unpacker may read ahead in a goroutine of its own.
type source struct {
	r      io.Reader
	read   *atomic.Int64
	failed atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read.Add(int64(n))
	if damaged := (*DamagedError)(nil); err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &damaged) {
		s.failed.Store(&err)
	}
	return n, err
}
