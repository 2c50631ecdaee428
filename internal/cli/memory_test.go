package cli

import (
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"clickstream/internal/instance"
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

func TestServeHasAMemoryLimitWhereNothingElseGivesOne(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "") // as if it were not there
	mirror, err := instance.ServeConfig{Roles: []string{"mirror"}}.Checked()
	if err != nil {
		t.Fatal(err)
	}
	if limit := mirror.Memory(); limit >= 512<<20 {
		t.Errorf("a mirror alone may take %d MiB, want less than 512", limit>>20)
	}
	limitMemoryTo(mirror.Memory())
	if got := debug.SetMemoryLimit(-1); got != mirror.Memory() {
		t.Errorf("the limit is %d, want %d", got, mirror.Memory())
	}
	limitMemoryTo(1)
	if got := debug.SetMemoryLimit(-1); got != mirror.Memory() {
		t.Errorf("a limit that was given is overwritten with %d", got)
	}
	all, err := instance.ServeConfig{}.Checked()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range instance.RoleNames() {
		if one := (instance.ServeConfig{Roles: []string{role}}).Memory(); one == 0 || one >= all.Memory() {
			t.Errorf("%s has %d of %d", role, one, all.Memory())
		}
	}
}
