package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder for its owner alone, or checks the one that exists:
// see CheckFolder.
func MakeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return CheckFolder(dir)
}

// CheckFolder refuses a folder, or a link to one, that belongs to another user,
// and a folder that others can write: a user who can put files there can name
// another broker, which would get our passwords, or have files of ours
// overwritten.
func CheckFolder(dir string) error {
	link, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder: remove it, or name another folder", dir)
	}
	for _, of := range []fs.FileInfo{link, info} {
		if owner, known := ownerOf(of); known && owner != os.Geteuid() {
			return fmt.Errorf("folder %s belongs to user %d and this is user %d: name a folder of your own, or run as its owner", dir, owner, os.Geteuid())
		}
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("folder %s can be written by other users (mode %04o), who could plant files in it: check what is in it, then run chmod go-w %s", dir, mode, dir)
	}
	return nil
}

// CreateFile writes a new file for its owner alone. What has its name already, a
// link included, is removed and not written through.
func CreateFile(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
