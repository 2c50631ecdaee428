//go:build !noembed && (linux || darwin)

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"clickstream/warehouse/warehousetest/visible"
)

// startAndTell makes the test binary a parent that starts an engine in the
// folder given, says where it answers, and waits to be killed.
const startAndTell = "start-and-tell"

// asClickhouse makes the test binary a clickhouse program: its arguments after
// the library's path are that program's.
const asClickhouse = "as-clickhouse"

func TestMain(m *testing.M) {
	ChildMain()
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case startAndTell:
			tellAndWait(os.Args[2])
		case asClickhouse:
			beClickhouse(os.Args[2], os.Args[3:])
		}
	}
	goleak.VerifyTestMain(m)
}

func tellAndWait(dir string) {
	s, err := Start(context.Background(), Options{Dir: dir, Progress: ProgressLines(visible.Writer())})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.HTTPAddr())
	io.Copy(io.Discard, bufio.NewReader(os.Stdin)) // its end is our end
	os.Exit(0)
}

func beClickhouse(library string, args []string) {
	if len(args) == 2 && args[0] == "local" && args[1] == "--version" {
		fmt.Println("ClickHouse local version 26.5.1.1.")
		os.Exit(0)
	}
	if err := runLibrary(library, args[1:]); err != nil { // args[0] is "local"
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
