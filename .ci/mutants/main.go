// Command mutants changes the code in one place at a time and checks that a test
// notices: each change must make the test that it names fail. The tests of all
// changes must pass without them.
//
//	go run . [NAME ...]
//
// It changes no file: the compiler is given the changed text in the place of the
// file's. A change whose text is no longer in its file is an error, so that the
// list keeps up with the code.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// root is the project's folder, seen from this one.
const root = "../.."

// mutant is one change of the code.
type mutant struct {
	name     string // what the changed code does wrong
	file     string
	old, new string // old is in file exactly once
	pkg      string // where the test is
	test     string
}

func main() {
	begun := time.Now()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
	fmt.Printf("all in %s\n", time.Since(begun).Round(time.Second))
}

func run(names []string) error {
	dir, err := os.MkdirTemp("", "clickstream-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var chosen []mutant
	for _, m := range mutants {
		if len(names) == 0 || slices.Contains(names, m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 || len(names) > len(chosen) {
		return fmt.Errorf("no mutants of these names: %q", names)
	}
	// All of them first, so that every text that is gone is reported at once.
	overlays := make([]string, len(chosen))
	var gone []error
	for i, m := range chosen {
		overlays[i], err = m.overlay(filepath.Join(dir, fmt.Sprint(i)))
		gone = append(gone, err)
	}
	if err := errors.Join(gone...); err != nil {
		return err
	}
	if err := unchanged(chosen); err != nil {
		return err
	}
	alive := tryAll(chosen, overlays)
	if len(alive) > 0 {
		return fmt.Errorf("%d of %d changes are not noticed:\n%s", len(alive), len(chosen), strings.Join(alive, "\n"))
	}
	fmt.Printf("%d changes, each noticed by its test; ", len(chosen))
	return nil
}

// atOnce is how many runs of go test there are at once: most of a test's time is
// waiting, and for a mutant it waits for what never happens.
const atOnce = 3

// each calls do for 0 to n-1, several at once, and returns when all are done.
func each(n int, do func(i int)) {
	var work sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range n {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	work.Wait()
}

// tryAll prints what becomes of each mutant, and returns what is not noticed.
func tryAll(chosen []mutant, overlays []string) (alive []string) {
	var mu sync.Mutex
	each(len(chosen), func(i int) {
		m, begun := chosen[i], time.Now()
		verdict := m.verdict(overlays[i])
		mu.Lock()
		defer mu.Unlock()
		if verdict != "" {
			alive = append(alive, m.name+": "+verdict)
			verdict = "NOT NOTICED: " + verdict
		} else {
			verdict = "noticed by " + m.test
		}
		fmt.Printf("%5.1fs %s: %s\n", time.Since(begun).Seconds(), m.name, verdict)
	})
	return alive
}

// overlay writes the changed file and what tells the compiler of it.
func (m mutant) overlay(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.name, err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s: %s holds the text to change %d times and not once: write the change anew in .ci/mutants/list.go:\n%s", m.name, m.file, n, m.old)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	changed, list := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	return list, os.WriteFile(list, replace, 0o600)
}

// unchanged runs the tests of all mutants on the code as it is: they pass.
func unchanged(chosen []mutant) error {
	tests := make(map[string][]string)
	for _, m := range chosen {
		if !slices.Contains(tests[m.pkg], m.test) {
			tests[m.pkg] = append(tests[m.pkg], m.test)
		}
	}
	pkgs := slices.Sorted(maps.Keys(tests))
	failures := make([]error, len(pkgs))
	each(len(pkgs), func(i int) { failures[i] = pass(pkgs[i], tests[pkgs[i]]) })
	return errors.Join(failures...)
}

// pass runs tests of a package on the code as it is.
func pass(pkg string, tests []string) error {
	begun := time.Now()
	out, err := goTest(pkg, tests)
	if err != nil {
		return fmt.Errorf("without a change the tests of %s fail: %w\n%s", pkg, err, out)
	}
	for _, test := range tests {
		if !strings.Contains(out, "--- PASS: "+test+" ") {
			return fmt.Errorf("without a change %s in %s is not run or does not pass:\n%s", test, pkg, out)
		}
	}
	fmt.Printf("%5.1fs without a change: %d tests of %s pass\n", time.Since(begun).Seconds(), len(tests), pkg)
	return nil
}

// verdict is empty where the test fails, and says what it does otherwise.
func (m mutant) verdict(overlay string) string {
	out, err := goTest(m.pkg, []string{m.test}, "-overlay", overlay)
	switch {
	case err == nil:
		return m.test + " passes"
	case strings.Contains(out, "--- FAIL: "+m.test+" "):
		return ""
	}
	// It does not compile, or something else than the test ended the process.
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return fmt.Sprintf("%s does not fail by itself: %v: %s", m.test, err, strings.Join(lines[:min(5, len(lines))], "\n"))
}

func goTest(pkg string, tests []string, more ...string) (string, error) {
	args := append([]string{"test", "-v", "-count=1", "-timeout=3m", "-run", "^(" + strings.Join(tests, "|") + ")$"}, more...)
	cmd := exec.Command("go", append(args, "./"+pkg)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}
