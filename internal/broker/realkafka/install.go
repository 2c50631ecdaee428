// Package realkafka runs a real Apache Kafka for tests: the embedded broker is
// laxer than Kafka, so what passes there is also run here. It needs Java 17
// and Maven; the first use installs 56 MB into the user's cache folder.
package realkafka

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// version of Apache Kafka; pom.xml names the same.
const version = "4.1.0"

//go:embed pom.xml
var pom []byte

// installed returns the folder that holds Kafka's jars and, if they are not
// there yet, lets Maven fetch them and says so on standard error. Several
// processes may call it at once; one installs and the others wait.
func installed(ctx context.Context) (string, error) {
	dir, err := install(ctx)
	if err != nil {
		return "", fmt.Errorf("install Apache Kafka %s: %w", version, err)
	}
	return dir, nil
}

func install(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kafka-"+version)
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return "", fmt.Errorf("wait for another installation: %w", err)
	}
	defer lock.Close()
	if isDir(dir) {
		return dir, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", errors.New("mvn is not on the PATH: install Maven and Java 17, or run the tests without a real Kafka")
	}
	fmt.Fprintf(os.Stderr, "installing Apache Kafka %s (56 MB) with Maven into %s, once\n", version, dir)

	// It is made in another folder and renamed when complete, so that an
	// interrupted installation is never taken for a complete one.
	part, err := os.MkdirTemp(cache, "kafka-part-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := os.WriteFile(filepath.Join(part, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(part, "libs"))
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn: %w: %s", err, out)
	}
	if err := os.Rename(part, dir); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func cacheDir() (string, error) {
	if dir := os.Getenv("CLICKSTREAM_CACHE_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "clickstream"), err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
