//go:build unix

package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What others can write, or own, must be trusted with nothing.
func TestAFolderThatOthersControlIsRefused(t *testing.T) {
	base := t.TempDir()
	own, writable, others := filepath.Join(base, "own"), filepath.Join(base, "writable"), filepath.Join(base, "others")
	if err := MakeFolder(own); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(own); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it was made with mode %v, %v", info.Mode(), err)
	}
	if err := MakeFolder(own); err != nil {
		t.Errorf("its owner's folder: %v", err)
	}
	if err := os.Mkdir(writable, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(writable, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := MakeFolder(writable); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("a folder that others can write: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	if err := os.Mkdir(others, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(others, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := MakeFolder(others); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("another user's folder: %v", err)
	}
}

func TestAFileIsNotWrittenThroughALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := CreateFile(link, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{target: "theirs", link: "ours"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
}
