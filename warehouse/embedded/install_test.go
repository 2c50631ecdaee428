//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"clickstream/warehouse/warehousetest/visible"
)

// aMachine gives the test a cache folder and a PATH of its own, with these
// programs on it besides the shell's.
func aMachine(t *testing.T, programs map[string]string) (cache string) {
	t.Helper()
	bin := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cache = t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv(cacheVariable, cache)
	return cache
}

// installs is an npm that notes each of its runs and puts a library there.
func installs(log string) string {
	p := platforms[runtime.GOOS+"/"+runtime.GOARCH]
	return fmt.Sprintf("echo \"$1\" >> '%s'\n/bin/mkdir -p 'node_modules/%s'\necho x > 'node_modules/%s/libchdb.so'", log, p.npmPackage, p.npmPackage)
}

func TestInstallNamesTheWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		programs map[string]string
		want     []string
	}{
		"without npm":               {nil, []string{"npm is not on PATH", "install Node.js", "--clickhouse-addr"}},
		"with a failing npm":        {map[string]string{"npm": "echo 'npm error code EAI_AGAIN' >&2; exit 1"}, []string{"npm failed", "EAI_AGAIN", "offline", "--clickhouse-addr"}},
		"with nothing for the libc": {map[string]string{"npm": "exit 0"}, []string{"glibc", "--clickhouse-addr"}},
		"with an old clickhouse":    {map[string]string{"clickhouse": "echo 'ClickHouse local version 26.4.2.1.'"}, []string{"npm is not on PATH"}},
	} {
		t.Run(name, func(t *testing.T) {
			cache := aMachine(t, c.programs)
			_, err := install(t.Context(), nil)
			if err == nil {
				t.Fatal("installed")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "chdb-*")); len(left) > 0 {
				t.Errorf("these are left: %v", left)
			}
		})
	}
}

func TestConcurrentInstallsRunNpmOnce(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs")
	cache := aMachine(t, map[string]string{"npm": installs(log)})
	// What an installation left that was cut off: a part, and a folder without
	// the library in it.
	for _, folder := range []string{"chdb-" + version + ".part-1", "chdb-" + version} {
		if err := os.MkdirAll(filepath.Join(cache, folder, "node_modules"), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	var said sync.Map
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			library, err := install(t.Context(), func(now Installation) { said.Store(fmt.Sprint(now.Over), now.Done) })
			if err != nil {
				t.Errorf("install %d: %v", i, err)
				return
			}
			if text, err := os.ReadFile(library); err != nil || string(text) != "x\n" {
				t.Errorf("install %d returned %s with %q, %v", i, library, text, err)
			}
		})
	}
	wg.Wait()
	runs, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if string(runs) != "ci\n" {
		t.Errorf("npm ran %q, want one ci", runs)
	}
	if _, ok := said.Load("true"); !ok {
		t.Error("the end was not reported")
	}
	if _, ok := said.Load("false"); !ok {
		t.Error("the begin was not reported")
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*.part-*")); len(left) > 0 {
		t.Errorf("these are left: %v", left)
	}
}

func TestAnInterruptedInstallLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	started := filepath.Join(t.TempDir(), "started")
	if out, err := os.Create(started); err != nil {
		t.Fatal(err)
	} else {
		out.Close()
	}
	cache := aMachine(t, map[string]string{"npm": "while :; do echo x >> '" + started + "'; /bin/sleep 0.05; done"})
	done := make(chan error, 1)
	go func() {
		_, err := install(ctx, nil)
		done <- err
	}()
	for info, err := os.Stat(started); err != nil || info.Size() == 0; info, err = os.Stat(started) {
		select {
		case err := <-done:
			t.Fatalf("it ended before npm ran: %v", err)
		default:
			runtime.Gosched()
		}
	}
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "chdb-*")); len(left) > 0 {
		t.Errorf("these are left: %v", left)
	}
}

func TestAClickhouseOnPathIsPreferredAndServes(t *testing.T) {
	library, err := install(t.Context(), ProgressLines(visible.Writer()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(library, "libchdb") {
		t.Skip("this machine has a clickhouse of its own: the other tests use it")
	}
	aMachine(t, map[string]string{"clickhouse": fmt.Sprintf("exec '%s' %s '%s' \"$@\"", os.Args[0], asClickhouse, library)})
	program, err := install(t.Context(), nil)
	if err != nil || filepath.Base(program) != "clickhouse" {
		t.Fatalf("got %s, %v", program, err)
	}
	dir := t.TempDir()
	s, err := Start(t.Context(), Options{Dir: dir, Engine: program})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run(t, s, "SELECT 1")
	s.Kill() // both: the child and the program it runs
	if answers(s.HTTPAddr()) {
		t.Error("the program outlived the engine's process")
	}
}

func TestNewEnough(t *testing.T) {
	for said, want := range map[string]bool{
		"ClickHouse local version 26.5.1.1 (official build).": true,
		"ClickHouse local version 26.12.1.1.":                 true,
		"ClickHouse local version 27.1.1.1.":                  true,
		"ClickHouse local version 26.4.9.1.":                  false,
		"ClickHouse local version 25.8.1.1.":                  false,
		"command not found":                                   false,
	} {
		if newEnough(said) != want {
			t.Errorf("%q: want %v", said, want)
		}
	}
}

// npm and what it runs are other people's code: our passwords are not theirs.
func TestNpmSeesNoPassword(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "environment")
	aMachine(t, map[string]string{"npm": "/usr/bin/env > '" + seen + "'; exit 1"})
	t.Setenv("CLICKSTREAM_CLICKHOUSE_PASSWORD", "hush")
	t.Setenv("SMTP_PASSWORD", "hush")
	t.Setenv("npm_config_registry", "https://registry.test/")
	t.Setenv("HTTPS_PROXY", "http://proxy.test:3128")
	if _, err := install(t.Context(), nil); err == nil {
		t.Fatal("installed")
	}
	environment, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(environment), "hush") {
		t.Errorf("npm was given a password: %s", environment)
	}
	for _, want := range []string{"PATH=", "npm_config_registry=https://registry.test/", "HTTPS_PROXY=http://proxy.test:3128"} {
		if !strings.Contains(string(environment), want) {
			t.Errorf("npm was not given %s", want)
		}
	}
}

// What is loaded into this process's child is checked against a hash, or not
// installed at all.
func TestAPackageWithoutAHashIsRefused(t *testing.T) {
	aMachine(t, map[string]string{"npm": "echo npm ran >&2; exit 1"})
	here := runtime.GOOS + "/" + runtime.GOARCH
	before := platforms[here]
	t.Cleanup(func() { platforms[here] = before })
	platforms[here] = platform{npmPackage: "@chdb/lib-without-hash"}
	_, err := install(t.Context(), nil)
	if err == nil || strings.Contains(err.Error(), "npm ran") || !strings.Contains(err.Error(), "--clickhouse-addr") || !errors.Is(err, errNoEngine) {
		t.Errorf("got %v", err)
	}
}
