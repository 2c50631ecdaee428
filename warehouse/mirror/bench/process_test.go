package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// process is one whose work is measured, by its folder in /proc. Elsewhere than
// on Linux the figures are 0.
type process string

// engine is the embedded ClickHouse: our child that runs the same program.
func engine(b *testing.B) process {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		exe, err := os.Readlink(folder + "/exe")
		if err == nil && exe == self && folder != fmt.Sprintf("/proc/%d", os.Getpid()) {
			return process(folder)
		}
	}
	return ""
}

// cpu is the time it has used so far.
func (p process) cpu() time.Duration {
	stat, err := os.ReadFile(string(p) + "/stat")
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold spaces; the times are the 12th and 13th
	// fields after it, in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// forgetPeak makes peakMiB begin again.
func (p process) forgetPeak() { _ = os.WriteFile(string(p)+"/clear_refs", []byte("5"), 0) }

// peakMiB is the most memory that it has held.
func (p process) peakMiB() float64 {
	status, _ := os.ReadFile(string(p) + "/status")
	for line := range strings.Lines(string(status)) {
		if size, is := strings.CutPrefix(line, "VmHWM:"); is {
			kib, _ := strconv.Atoi(strings.Fields(size)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}

func perMillion(n int, cpu time.Duration) float64 { return cpu.Seconds() * 1e6 / float64(n) }
