package files

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// isZip looks at the first bytes: the name may be anything.
func isZip(p string) (bool, error) {
	f, err := os.Open(p)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var magic [4]byte
	n, err := io.ReadFull(f, magic[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return string(magic[:n]) == "PK\x03\x04" || string(magic[:n]) == "PK\x05\x06", nil
}

// addZip adds the files in an archive. The only file of one may have any name;
// of several those count that are named as files of events are.
func (f *Found) addZip(p string) error {
	before := len(f.Inputs)
	archive, err := zip.OpenReader(p)
	if errors.Is(err, zip.ErrFormat) {
		if err = f.addCutZip(p); err == nil && len(f.Inputs) == before {
			err = zip.ErrFormat
		}
		if err != nil {
			return fmt.Errorf("%s: the zip archive is damaged or cut off, and no file in it can be read: %w", p, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	defer archive.Close()
	var members []*zip.File
	for _, m := range archive.File {
		if !m.FileInfo().IsDir() && !hiddenMember(m.Name) {
			members = append(members, m)
		}
	}
	for _, m := range members {
		name := p + "/" + m.Name
		if len(members) > 1 && !ofEvents(m.Name) {
			f.PassedOver = append(f.PassedOver, name)
			continue
		}
		f.Inputs = append(f.Inputs, Input{
			Name: name, Size: int64(m.UncompressedSize64), Again: true,
			open: func() (io.ReadCloser, error) { return openMember(p, m.Name) },
		})
	}
	if len(f.Inputs) == before {
		return fmt.Errorf("%s: the archive has no file of events (%s, also packed)", p, strings.Join(suffixes, ", "))
	}
	return nil
}

// hiddenMember is for what the archivers of some systems add.
func hiddenMember(name string) bool {
	return strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(name, "__MACOSX/")
}

// member is a file in an archive, unpacked. Its bytes count as they come out.
type member struct {
	content io.Reader
	closers []io.Closer
}

func openMember(p, name string) (io.ReadCloser, error) {
	archive, err := zip.OpenReader(p)
	if err != nil {
		return nil, err
	}
	for _, m := range archive.File {
		if m.Name != name {
			continue
		}
		content, err := m.Open()
		if err != nil {
			return nil, errors.Join(&DamagedError{Err: err}, archive.Close())
		}
		return &member{content, []io.Closer{content, archive}}, nil
	}
	return nil, errors.Join(fmt.Errorf("%s: %w", name, fs.ErrNotExist), archive.Close())
}

func (m *member) Read(p []byte) (int, error) {
	n, err := m.content.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if pathErr := (*fs.PathError)(nil); !errors.As(err, &pathErr) {
			err = &DamagedError{Err: err}
		}
	}
	return n, err
}

func (m *member) Close() error {
	var errs []error
	for _, c := range m.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
