package cli

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestI3_TheContainersLimitBoundsTheHeap(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "") // is put back at the end
	os.Unsetenv("GOMEMLIMIT")
	if err := limitMemory(func() (uint64, error) { return 0, memlimit.ErrNoLimit }); err != nil {
		t.Error(err)
	}
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("without a limit it is %d, want %d", got, before)
	}
	if err := limitMemory(memlimit.Limit(1 << 30)); err != nil {
		t.Error(err)
	}
	share := memoryShare * float64(1<<30)
	if got, want := debug.SetMemoryLimit(-1), int64(share); got != want {
		t.Errorf("in a container of 1 GiB it is %d, want %d", got, want)
	}
	debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "2GiB")
	if err := limitMemory(memlimit.Limit(1 << 30)); err != nil {
		t.Error(err)
	}
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("GOMEMLIMIT is overwritten with %d", got)
	}
}
