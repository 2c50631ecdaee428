//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

// version is that of the pinned library, as in engine/package.json.
const version = "26.7.3-stable.1"

// cacheVariable names the folder that the library is installed into, instead
// of "clickstream" in the user's cache folder.
const cacheVariable = "CLICKSTREAM_CACHE_DIR"

const wayOut = "point --clickhouse-addr at a running ClickHouse, or put a clickhouse binary of 26.5 or newer on PATH"

// A platform is one that there is a library for.
type platform struct {
	npmPackage string
	bytes      int64 // unpacked, roughly
}

var platforms = map[string]platform{
	"linux/amd64":  {"@chdb/lib-linux-x64-gnu", 569_000_000},
	"linux/arm64":  {"@chdb/lib-linux-arm64-gnu", 550_000_000},
	"darwin/arm64": {"@chdb/lib-darwin-arm64", 345_000_000},
	"darwin/amd64": {"@chdb/lib-darwin-x64", 360_000_000},
}

// install returns the path of an engine for Options.Engine: a clickhouse
// binary on PATH when it is new enough, else the library, which it installs
// through npm into the cache folder when it is not there. Processes that ask
// at the same time install it once; the others wait.
func install(ctx context.Context, progress Progress) (string, error) {
	if program, ok := programOnPath(ctx); ok {
		return program, nil
	}
	p, ok := platforms[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("install the embedded ClickHouse: there is none for %s/%s; %s: %w",
			runtime.GOOS, runtime.GOARCH, wayOut, errNoEngine)
	}
	if locked, err := p.locked(); err != nil {
		return "", err
	} else if !locked {
		return "", fmt.Errorf("install the embedded ClickHouse: no integrity hash is known of %s %s, so what npm fetches could not be checked; %s: %w",
			p.npmPackage, version, wayOut, errNoEngine)
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "chdb-"+version)
	if library, ok := p.libraryIn(folder); ok {
		return library, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder (%s names another): %w", cacheVariable, err)
	}
	lock := flock.New(filepath.Join(cache, "install.lock"))
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("wait for another installation of the embedded ClickHouse in %s: %w", cache, err)
	}
	defer lock.Close()
	if library, ok := p.libraryIn(folder); ok { // the other one did it
		return library, nil
	}
	return p.install(ctx, folder, progress)
}

// libraryIn finds the library in an installed folder. The folder gets its name
// only when it is complete, so what is found is whole.
func (p platform) libraryIn(folder string) (string, bool) {
	for _, name := range []string{"libchdb.so", "libchdb.dylib"} {
		path := filepath.Join(folder, "node_modules", filepath.FromSlash(p.npmPackage), name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			return path, true
		}
	}
	return "", false
}

// install runs npm in a folder beside the final one and renames it when the
// library is in it. The caller holds the lock, so what other folders are left
// there is of installations that were cut off.
func (p platform) install(ctx context.Context, folder string, progress Progress) (library string, err error) {
	if stale, err := filepath.Glob(folder + ".part-*"); err == nil {
		for _, s := range stale {
			os.RemoveAll(s)
		}
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("install the embedded ClickHouse: npm is not on PATH: install Node.js, which brings it; or %s: %w", wayOut, err)
	}
	part, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+".part-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the embedded ClickHouse: %w", err)
	}
	defer os.RemoveAll(part) // gone already when the rename went well

	report := watchFolder(part, Installation{
		What: "ClickHouse " + version + " (" + p.npmPackage + ")", Folder: folder, Total: p.bytes,
	}, progress)
	defer func() { report(err) }()

	if err := npmInstall(ctx, npm, part); err != nil {
		return "", err
	}
	if _, ok := p.libraryIn(part); !ok {
		return "", fmt.Errorf("install the embedded ClickHouse: npm installed no %s: it needs glibc on Linux; %s: %w",
			p.npmPackage, wayOut, errNoEngine)
	}
	if err := os.RemoveAll(folder); err != nil { // it was there without a library
		return "", fmt.Errorf("clear %s: %w", folder, err)
	}
	if err := os.Rename(part, folder); err != nil {
		return "", fmt.Errorf("put the embedded ClickHouse in place: %w", err)
	}
	library, _ = p.libraryIn(folder)
	return library, nil
}

func cacheFolder() (string, error) {
	if folder := os.Getenv(cacheVariable); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (%s names another): %w", cacheVariable, err)
	}
	return filepath.Join(folder, "clickstream"), nil
}

// watchFolder reports an installation's begin, its growth, and, when the
// function it returns is called, its end.
func watchFolder(folder string, i Installation, progress Progress) (over func(error)) {
	if progress == nil {
		return func(error) {}
	}
	progress(i)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(300 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				i.Done = folderSize(folder)
				progress(i)
			}
		}
	}()
	return func(err error) {
		close(stop)
		<-stopped
		i.Over, i.Err = true, err
		progress(i)
	}
}

// folderSize skips what vanishes while it looks: npm renames as it unpacks.
func folderSize(folder string) (size int64) {
	_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // the file has been renamed
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}

var versionNumber = regexp.MustCompile(`version (\d+)\.(\d+)`)

// programOnPath finds a clickhouse binary that is new enough to open ports
// from a local session.
func programOnPath(ctx context.Context) (string, bool) {
	path, err := exec.LookPath("clickhouse")
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, "local", "--version").Output()
	if err != nil {
		return "", false
	}
	return path, newEnough(string(output))
}

func newEnough(output string) bool {
	m := versionNumber.FindStringSubmatch(output)
	if m == nil {
		return false
	}
	major, err1 := strconv.Atoi(m[1])
	minor, err2 := strconv.Atoi(m[2])
	return errors.Join(err1, err2) == nil && (major > 26 || major == 26 && minor >= 5)
}
