package files

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

const content = "a,b\n1,2\n"

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t *testing.T, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll([]byte(text), nil)
}

func zipped(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		name, text, _ := strings.Cut(m, "=")
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// all reads an input to its end.
func all(in Input) (text string, read int64, err error) {
	var n atomic.Int64
	r, err := in.Open(&n)
	if err != nil {
		return "", 0, err
	}
	b, err := io.ReadAll(r)
	return string(b), n.Load(), errors.Join(err, r.Close())
}

func TestEveryKindOfFileIsFoundAndUnpacked(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	plain := write(t, filepath.Join(dir, "plain.csv"), []byte(content))
	strange := write(t, filepath.Join(dir, "packed.dat"), gzipped(t, content))
	zst := write(t, filepath.Join(dir, "clicks.zst"), zstded(t, content))
	one := write(t, filepath.Join(dir, "one.zip"), zipped(t, "any name="+content))
	several := write(t, filepath.Join(dir, "several.zip"), zipped(t, "in/a.csv="+content, "README.md=x", "__MACOSX/a.csv=x", "in/b.tsv="+content))
	write(t, filepath.Join(folder, "2", "b.csv"), []byte(content))
	write(t, filepath.Join(folder, "1", "a.jsonl.gz"), gzipped(t, content))
	write(t, filepath.Join(folder, "1", ".hidden.csv"), []byte("x"))
	readme := write(t, filepath.Join(folder, "README"), []byte("x"))
	write(t, filepath.Join(dir, "glob-1.csv"), []byte(content))
	write(t, filepath.Join(dir, "glob-2.csv"), []byte(content))

	found, err := Find([]string{plain, strange, zst, one, several, folder, filepath.Join(dir, "glob-*.csv"), Stdin}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, in := range found.Inputs {
		name, err := filepath.Rel(dir, in.Name)
		if err != nil {
			name = in.Name
		}
		names = append(names, name)
		text, read, err := all(in)
		if err != nil || text != content {
			t.Errorf("%s holds %q, %v", in.Name, text, err)
		}
		if in.Size != read && in.Name != "stdin" {
			t.Errorf("%s: %d bytes were read of %d", in.Name, read, in.Size)
		}
		if again := in.Name != "stdin"; in.Again != again {
			t.Errorf("%s can be opened again: %t", in.Name, in.Again)
		}
	}
	want := []string{
		"plain.csv", "packed.dat", "clicks.zst", "one.zip/any name", "several.zip/in/a.csv", "several.zip/in/b.tsv",
		"folder/1/a.jsonl.gz", "folder/2/b.csv", "glob-1.csv", "glob-2.csv", "stdin",
	}
	if !slices.Equal(names, want) {
		t.Errorf("found %q, want %q", names, want)
	}
	if want := []string{several + "/README.md", readme}; !slices.Equal(found.PassedOver, want) {
		t.Errorf("passed over %q, want %q", found.PassedOver, want)
	}
}

func TestEverythingWrongWithThePathsIsReported(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, filepath.Join(empty, "notes.md"), nil)
	cut := write(t, filepath.Join(dir, "cut.zip"), zipped(t, "a.csv="+content)[:32])
	none := write(t, filepath.Join(dir, "none.zip"), zipped(t, "a.md=x", "b.md=x"))
	_, err := Find([]string{filepath.Join(dir, "missing"), filepath.Join(dir, "no*"), filepath.Join(dir, "x*"), empty, cut, none, Stdin, Stdin}, nil)
	for _, want := range []string{"missing: no such file", "x*: no file matches", "the folder has no file of events", "is damaged or cut off", "the archive has no file of events", "given twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestDamagedFilesGiveWhatIsWhole(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("1234567\n", 1<<16)
	gz, zst := gzipped(t, long), zstded(t, long)
	wrong := slices.Clone(gz)
	wrong[len(wrong)-6] ^= 1 // the checksum
	member := zipped(t, "a.csv="+long)
	// The bytes of the member are wrong, and the list at the end is right.
	member[len("PK..")+26+len("a.csv")+20] ^= 0xff
	for name, b := range map[string][]byte{"cut.gz": gz[:len(gz)/2], "cut.zst": zst[:len(zst)-10], "wrong.gz": wrong, "wrong.zip": member} {
		found, err := Find([]string{write(t, filepath.Join(dir, name), b)}, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		text, _, err := all(found.Inputs[0])
		var damaged *DamagedError
		if !errors.As(err, &damaged) || !strings.HasPrefix(long, text) {
			t.Errorf("%s: %d bytes, error %v; want a *DamagedError after a part of the content", name, len(text), err)
		}
		if cut := strings.HasPrefix(name, "cut"); cut != strings.Contains(err.Error(), "is cut off") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACutOffZipGivesWhatIsWhole(t *testing.T) {
	long := strings.Repeat("1234567\n", 1<<16)
	whole := zipped(t, "a.csv="+content, "b.csv="+long, "README.md=x", "c.csv="+content)
	list := bytes.Index(whole, []byte("PK\x01\x02"))
	c := bytes.Index(whole, []byte("c.csv")) - localHeader
	b := bytes.Index(whole, []byte("b.csv")) - localHeader
	for name, test := range map[string]struct {
		size int
		want []string // name=content of what is read
	}{
		"after the last file":          {list, []string{"a.csv=" + content, "b.csv=" + long, "c.csv=" + content}},
		"in the list":                  {list + 10, []string{"a.csv=" + content, "b.csv=" + long, "c.csv=" + content}},
		"in the last file's header":    {c + 10, []string{"a.csv=" + content, "b.csv=" + long}},
		"in the middle of a long file": {b + (c-b)/2, []string{"a.csv=" + content, "b.csv=" + long}},
	} {
		path := write(t, filepath.Join(t.TempDir(), "cut.zip"), whole[:test.size])
		found, err := Find([]string{path}, nil)
		if err != nil || len(found.Inputs) != len(test.want) {
			t.Errorf("%s: %d files, %v", name, len(found.Inputs), err)
			continue
		}
		for i, in := range found.Inputs {
			text, _, err := all(in)
			var damaged *DamagedError
			if last := i == len(found.Inputs)-1; last != errors.As(err, &damaged) || !last && err != nil {
				t.Errorf("%s: %s ends with %v", name, in.Name, err)
			}
			want := test.want[i]
			if got := filepath.Base(in.Name) + "=" + text; !strings.HasPrefix(want, got) || i < len(found.Inputs)-1 && got != want {
				t.Errorf("%s: %s holds %d bytes", name, in.Name, len(text))
			}
		}
	}
}

func TestAFaultOfTheDiskIsNoDamage(t *testing.T) {
	broken := errors.New("broken disk")
	for name, head := range map[string][]byte{"plain": []byte(content), "packed": gzipped(t, strings.Repeat(content, 1000))[:40]} {
		in := Input{open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(head), iotest.ErrReader(broken))), nil
		}}
		_, _, err := all(in)
		var damaged *DamagedError
		if !errors.Is(err, broken) || errors.As(err, &damaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
