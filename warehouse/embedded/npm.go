//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	cmd.Env = npmEnvironment(os.Environ())
	var output tail
	cmd.Stdout, cmd.Stderr = &output, &output
	// npm is often a shell script around node: an interrupt has to reach both.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("install the embedded ClickHouse: npm failed (is this machine offline?); %s: %w\n%s",
			wayOut, err, strings.TrimSpace(output.String()))
	}
	return nil
}

// npmVariables are what npm needs of the environment: to find itself and its
// settings, and to get out through a proxy. In lower case, as they are compared.
var npmVariables = []string{
	"path", "home", "user", "logname", "shell", "tmpdir", "lang", "lc_all", "npm_token",
	"xdg_config_home", "xdg_cache_home", "xdg_data_home",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"node_extra_ca_certs", "ssl_cert_file", "ssl_cert_dir",
}

// npmEnvironment keeps passwords from npm, which runs other people's code: only
// what is known to be needed is handed on.
func npmEnvironment(ours []string) []string {
	var env []string
	for _, v := range ours {
		name, _, _ := strings.Cut(v, "=")
		name = strings.ToLower(name)
		if slices.Contains(npmVariables, name) || strings.HasPrefix(name, "npm_config_") {
			env = append(env, v)
		}
	}
	return env
}

// locked says whether the lock file has the package's integrity hash. Without
// one npm would install, and this program would load, whatever it is given.
func (p platform) locked() (bool, error) {
	var lock struct {
		Packages map[string]struct {
			Integrity string `json:"integrity"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(packageLockJSON, &lock); err != nil {
		return false, fmt.Errorf("read the lock file of the embedded ClickHouse: %w", err)
	}
	return lock.Packages["node_modules/"+p.npmPackage].Integrity != "", nil
}
