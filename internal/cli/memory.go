package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is how much of the container's memory the garbage collector lets
// the heap grow to before it works harder; the rest is for what Go does not
// count and for peaks.
const memoryShare = 0.8

// limitMemory makes the garbage collector keep within a share of what limit
// gives, unless GOMEMLIMIT is set in the environment. No limit, or none that
// can be read, changes nothing.
func limitMemory(limit memlimit.Provider) error {
	_, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(limit))
	if errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrNoCgroup) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the container's memory limit: %w", err)
	}
	return nil
}

// limitMemoryTo makes the garbage collector keep within bytes where neither the
// container nor GOMEMLIMIT gives a limit: without one the heap grows to twice
// what is in use before memory is freed.
func limitMemoryTo(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(bytes)
	}
}
