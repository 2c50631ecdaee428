package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Input is one file of events.
type Input struct {
	// Name is the path as it was found, "FILE/MEMBER" for a file in a zip
	// archive, or "stdin".
	Name string
	// Size is how many bytes reading it takes from the disk; 0 where that is
	// not known.
	Size int64
	// Again says whether it can be opened more than once.
	Again bool

	open func() (io.ReadCloser, error) // before it is unpacked
}

// Found is what Find found.
type Found struct {
	Inputs []Input
	// PassedOver are files of folders and archives whose names are not those
	// of files of events.
	PassedOver []string
}

// Find returns the files that paths name, in the order given, those of a folder
// or a pattern in the order of their names. It reports everything that is wrong
// with the paths together.
func Find(paths []string, stdin io.Reader) (Found, error) {
	var f Found
	var errs []error
	taken := make(map[string]bool)
	for _, p := range paths {
		if err := f.add(p, stdin, taken); err != nil {
			errs = append(errs, err)
		}
	}
	return f, errors.Join(errs...)
}

func (f *Found) add(p string, stdin io.Reader, taken map[string]bool) error {
	if p == Stdin {
		if taken[p] {
			return errors.New("standard input is given twice")
		}
		taken[p] = true
		f.Inputs = append(f.Inputs, Input{Name: "stdin", open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
		return nil
	}
	info, err := os.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(p, "*?["):
		return f.addPattern(p, stdin, taken)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file", p)
	case err != nil:
		return err
	case info.IsDir():
		return f.addFolder(p)
	}
	return f.addFile(p, info)
}

// addPattern is for shells that leave patterns alone, and for quoted ones.
func (f *Found) addPattern(pattern string, stdin io.Reader, taken map[string]bool) error {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	if len(matches) == 0 {
		return fmt.Errorf("%s: no file matches", pattern)
	}
	var errs []error
	for _, m := range matches {
		errs = append(errs, f.add(m, stdin, taken))
	}
	return errors.Join(errs...)
}

func (f *Found) addFolder(folder string) error {
	before := len(f.Inputs)
	err := filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(d.Name(), ".") && p != folder; hidden {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if !ofEvents(d.Name()) {
			f.PassedOver = append(f.PassedOver, p)
			return nil
		}
		info, err := os.Stat(p) // of a link the file's own
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		return f.addFile(p, info)
	})
	if err == nil && len(f.Inputs) == before {
		err = fmt.Errorf("%s: the folder has no file of events (%s, also packed)", folder, strings.Join(suffixes, ", "))
	}
	return err
}

func (f *Found) addFile(p string, info fs.FileInfo) error {
	regular := info.Mode().IsRegular()
	if regular {
		packed, err := isZip(p)
		if err != nil {
			return err
		}
		if packed {
			return f.addZip(p)
		}
	}
	in := Input{Name: p, Again: regular, open: func() (io.ReadCloser, error) { return os.Open(p) }}
	if regular {
		in.Size = info.Size()
	}
	f.Inputs = append(f.Inputs, in)
	return nil
}

var suffixes = []string{".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"}

// ofEvents says whether a file of a folder or an archive may be one of events:
// there may be a README beside it.
func ofEvents(name string) bool {
	name = strings.ToLower(path.Base(name))
	for _, packed := range []string{".gz", ".zst", ".zip"} {
		name = strings.TrimSuffix(name, packed)
	}
	return slices.Contains(suffixes, path.Ext(name))
}
