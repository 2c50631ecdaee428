package files

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A zip archive has the list of its files at its end, so one that is cut off has
// none. Each file has a header of its own before it (APPNOTE 6.3.10, section
// 4.3.7), and these are found one after the other.

// localHeader is the length of a file's header without its name.
const localHeader = 30

// cutMember is a file in an archive that is cut off.
type cutMember struct {
	name   string
	start  int64 // of its packed bytes
	method uint16
	size   int64 // of its packed bytes; 0 where the header does not say
}

// addCutZip adds what is whole of an archive that is cut off. The reader of the
// last file of events ends with a *DamagedError: there may have been more.
func (f *Found) addCutZip(p string) error {
	members, err := cutMembers(p)
	if err != nil {
		return err
	}
	var taken []cutMember
	for _, m := range members {
		if len(members) > 1 && !ofEvents(m.name) {
			f.PassedOver = append(f.PassedOver, p+"/"+m.name)
		} else {
			taken = append(taken, m)
		}
	}
	for i, m := range taken {
		last := i == len(taken)-1
		f.Inputs = append(f.Inputs, Input{Name: p + "/" + m.name, Again: true, open: func() (io.ReadCloser, error) { return m.open(p, last) }})
	}
	return nil
}

// cutMembers reads the archive to find where each file begins.
func cutMembers(p string) ([]cutMember, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var members []cutMember
	for at := int64(0); ; {
		m, err := readLocalHeader(f, at)
		if err != nil || m.name == "" {
			return members, err
		}
		if m.name[len(m.name)-1] != '/' && !hiddenMember(m.name) {
			members = append(members, m)
		}
		end, err := m.end(f)
		if err != nil {
			return members, nil // the file that is cut off is the last one
		}
		if at, err = nextHeader(f, end); err != nil {
			return members, err
		}
	}
}

// readLocalHeader reads the header at an offset. Its name is empty where there is
// none, or not all of it.
func readLocalHeader(f *os.File, at int64) (cutMember, error) {
	var h [localHeader]byte
	if _, err := f.ReadAt(h[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return cutMember{}, err
	}
	if !bytes.HasPrefix(h[:], []byte("PK\x03\x04")) {
		return cutMember{}, nil
	}
	name := make([]byte, binary.LittleEndian.Uint16(h[26:]))
	if _, err := f.ReadAt(name, at+localHeader); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return cutMember{}, err
	}
	m := cutMember{
		name: string(name), method: binary.LittleEndian.Uint16(h[8:]), size: int64(binary.LittleEndian.Uint32(h[18:])),
		start: at + localHeader + int64(len(name)) + int64(binary.LittleEndian.Uint16(h[28:])),
	}
	flags := binary.LittleEndian.Uint16(h[6:])
	switch {
	case flags&1 != 0:
		return m, fmt.Errorf("%s is encrypted", m.name)
	case m.method != zip.Deflate && (m.method != zip.Store || flags&8 != 0):
		return m, fmt.Errorf("%s is packed in a way that cannot be read where the archive is cut off", m.name)
	}
	return m, nil
}

// end is the offset after the file's packed bytes.
func (m cutMember) end(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if m.method == zip.Store {
		if end := m.start + m.size; end <= info.Size() {
			return end, nil
		}
		return 0, io.ErrUnexpectedEOF
	}
	// Only unpacking shows where deflated bytes end. It reads single bytes, so
	// none beyond.
	packed := &countedBytes{r: bufio.NewReaderSize(io.NewSectionReader(f, m.start, info.Size()-m.start), 256<<10)}
	_, err = io.Copy(io.Discard, flate.NewReader(packed))
	return m.start + packed.n, err
}

// nextHeader finds the header of the next file: the sizes of the one before may
// stand between, with a signature or without one (section 4.3.9).
func nextHeader(f *os.File, from int64) (int64, error) {
	near := make([]byte, 4+8+8+4+4)
	n, err := f.ReadAt(near, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if i := bytes.Index(near[:n], []byte("PK\x03\x04")); i >= 0 {
		return from + int64(i), nil
	}
	return from, nil
}

func (m cutMember) open(p string, last bool) (io.ReadCloser, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var content io.Reader
	packed := io.NewSectionReader(f, m.start, info.Size()-m.start)
	if m.method == zip.Store {
		content = io.LimitReader(packed, m.size)
	} else {
		content = flate.NewReader(bufio.NewReaderSize(packed, 256<<10))
	}
	if last {
		content = io.MultiReader(content, cutOff{})
	}
	return &member{closers: []io.Closer{f}, content: content}, nil
}

// cutOff is the end of an archive that is cut off.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// countedBytes counts the bytes that are read.
type countedBytes struct {
	r *bufio.Reader
	n int64
}

func (c *countedBytes) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countedBytes) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}
