package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Spool copies an input that can be read only once into a temporary file in dir
// (default os.TempDir()), as it is, and returns the input of that. The file has
// no name and is gone once release is called. more is called between reads and
// stops the copying with its error.
func Spool(in Input, dir string, read *atomic.Int64, more func() error) (out Input, release func() error, err error) {
	src, err := in.open()
	if err != nil {
		return Input{}, nil, err
	}
	defer src.Close()
	f, err := os.CreateTemp(dir, "clickstream-input-")
	if err != nil {
		return Input{}, nil, err
	}
	size, err := io.Copy(f, &stopping{&source{r: src, read: read}, more})
	if err := errors.Join(err, os.Remove(f.Name())); err != nil {
		return Input{}, nil, errors.Join(fmt.Errorf("copy %s into a temporary file: %w", in.Name, err), f.Close())
	}
	return Input{
		Name: in.Name, Size: size, Again: true,
		open: func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, size)), nil },
	}, f.Close, nil
}

// stopping is a reader that asks before each read whether to go on.
type stopping struct {
	r    io.Reader
	more func() error
}

func (s *stopping) Read(p []byte) (int, error) {
	if err := s.more(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
