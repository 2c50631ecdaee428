//go:build !noembed && (linux || darwin)

package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

const (
	childCommand = "clickhouse-child"

	// parentPipe is the child's end of a pipe whose other end only the parent
	// has: it closes when the parent ends, however it ends.
	parentPipe = 3
)

// ChildMain runs the engine and ends the process when the process was started
// by Start to do so, and returns at once otherwise. It has to be the first
// thing that main or TestMain calls.
func ChildMain() {
	if len(os.Args) < 3 || os.Args[1] != childCommand {
		return
	}
	if err := runChild(os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runChild(engine string, args []string) error {
	parent := os.NewFile(parentPipe, "parent")
	info, err := parent.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return errors.New(childCommand + " is started by clickstream itself, not by hand")
	}
	// What the terminal sends to stop the parent is the parent's to act on.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	go func() {
		_, _ = io.Copy(io.Discard, parent)
		// The whole group at once, by the one signal that no library handles:
		// rows that were acknowledged are with the kernel.
		_ = syscall.Kill(-syscall.Getpgrp(), syscall.SIGKILL)
	}()
	if strings.HasPrefix(filepath.Base(engine), "libchdb.") {
		return runLibrary(engine, args)
	}
	return runProgram(engine, args)
}

// runLibrary calls the library's main function, which returns when the session
// ends.
func runLibrary(path string, args []string) error {
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load the embedded ClickHouse: %w", err)
	}
	var query func(argc int32, argv unsafe.Pointer) (result uintptr)
	var resultError func(result uintptr) string
	purego.RegisterLibFunc(&query, library, "chdb_query_cmdline")
	purego.RegisterLibFunc(&resultError, library, "chdb_result_error")

	// The library keeps to its arguments' memory for as long as it runs.
	argv := make([]*byte, 0, len(args)+2)
	for _, a := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, &append([]byte(a), 0)[0])
	}
	argv = append(argv, nil)
	result := query(int32(len(args)+1), unsafe.Pointer(&argv[0]))
	runtime.KeepAlive(argv)
	if result != 0 {
		if text := resultError(result); text != "" {
			return errors.New(text)
		}
	}
	return nil
}

// runProgram runs a clickhouse binary in this process's group.
func runProgram(path string, args []string) error {
	cmd := exec.Command(path, append([]string{"local"}, args...)...) //nolint:noctx // it ends with this process
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = dieWithParent()
	runtime.LockOSThread() // the signal at the parent's end counts by thread
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}
