//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed engine/package.json
var packageJSON []byte

//go:embed engine/package-lock.json
var packageLockJSON []byte

// npmInstall installs the pinned packages into folder: those of the lock file
// that are for this machine. No script of theirs is run.
func npmInstall(ctx context.Context, npm, folder string) error {
	for name, content := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLockJSON} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return fmt.Errorf("prepare the installation of the embedded ClickHouse: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
		"--include=optional", // the platform packages are, whatever the user's own settings say
		"--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
	cmd.Dir = folder
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	// npm is often a shell script around node: an interrupt has to reach both.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("install the embedded ClickHouse: npm failed (is this machine offline?); %s: %w\n%s",
			wayOut, err, strings.TrimSpace(said.String()))
	}
	return nil
}
