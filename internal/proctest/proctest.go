// Package proctest says what processes use, for benchmarks. It reads /proc:
// elsewhere than on Linux the figures are 0.
package proctest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one by its folder in /proc.
type Process string

// Self is this process.
const Self Process = "/proc/self"

// Child is our child that runs the same program, which the embedded ClickHouse
// does. Without one it is empty, and so are its figures.
func Child() Process {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		exe, err := os.Readlink(folder + "/exe")
		if err == nil && exe == self && folder != fmt.Sprintf("/proc/%d", os.Getpid()) {
			return Process(folder)
		}
	}
	return ""
}

// CPU is the time that it has used so far.
func (p Process) CPU() time.Duration {
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

// ForgetPeak makes PeakMiB begin again.
func (p Process) ForgetPeak() { _ = os.WriteFile(string(p)+"/clear_refs", []byte("5"), 0) }

// PeakMiB is the most memory that it has held.
func (p Process) PeakMiB() float64 {
	status, _ := os.ReadFile(string(p) + "/status")
	for line := range strings.Lines(string(status)) {
		if size, is := strings.CutPrefix(line, "VmHWM:"); is {
			kib, _ := strconv.Atoi(strings.Fields(size)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}

// Command is a program while it runs, and what it used when it has ended.
type Command struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when Wait returns
	peak  chan float64
	MiB   float64       // the most memory that it held
	CPU   time.Duration // the time that it used
}

// every is how often the peak of a program's memory is read: what it takes in its
// last moment is missed.
const every = 20 * time.Millisecond

// Start starts cmd. Its peak is read while it runs: Maxrss of a program that has
// ended is on Linux at least what the process that started it held then.
func Start(cmd *exec.Cmd) (*Command, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Command{cmd: cmd, ended: make(chan struct{}), peak: make(chan float64, 1)}
	go c.watch(Process(fmt.Sprintf("/proc/%d", cmd.Process.Pid)))
	return c, nil
}

func (c *Command) watch(p Process) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	most := 0.0
	for {
		select {
		case <-c.ended:
			c.peak <- most
			return
		case <-ticker.C:
			most = max(most, p.PeakMiB())
		}
	}
}

// Wait waits until it has ended, and sets what it used.
func (c *Command) Wait() error {
	err := c.cmd.Wait()
	close(c.ended)
	c.MiB = <-c.peak
	c.CPU = c.cmd.ProcessState.SystemTime() + c.cmd.ProcessState.UserTime()
	return err
}

// Signal sends it a signal.
func (c *Command) Signal(s os.Signal) error { return c.cmd.Process.Signal(s) }

// Stop asks it to end, and waits as Wait does.
func (c *Command) Stop() error {
	if err := c.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs cmd to its end, and returns what it printed.
func Output(cmd *exec.Cmd) ([]byte, *Command, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	c, err := Start(cmd)
	if err != nil {
		return nil, nil, err
	}
	err = c.Wait()
	return out.Bytes(), c, err
}
