package proctest_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"clickstream/internal/proctest"
)

// A small program that a large process starts has a small peak of its own.
func TestThePeakOfAProgramIsItsOwn(t *testing.T) {
	if _, err := os.Stat(string(proctest.Self)); err != nil {
		t.Skip("this machine has no /proc")
	}
	large := make([]byte, 128<<20)
	for i := range large {
		large[i] = 1
	}
	out, c, err := proctest.Output(exec.Command("sh", "-c", "sleep 0.2; echo done"))
	runtime.KeepAlive(large)
	if err != nil || string(out) != "done\n" {
		t.Fatal(string(out), err)
	}
	if own := proctest.Self.PeakMiB(); own < 128 {
		t.Errorf("this process held %.0f MiB at most", own)
	}
	if c.MiB <= 0 || c.MiB > 64 {
		t.Errorf("the program held %.0f MiB at most", c.MiB)
	}
}
