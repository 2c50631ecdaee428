package simulation

import (
	"context"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedCount = flag.Int("seeds", 0, "how many seeds a simulation runs; 0: the test's own number")
	firstSeed = flag.Uint64("first-seed", 1, "the first of them")
	oneSeed   = flag.Uint64("seed", 0, "run this seed alone, and print what happened")
)

// Start is when simulations begin. A bubble's clock begins in the year 2000,
// before which no event is valid.
var Start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// Seeds runs a test once for each seed, in a bubble of its own: by default count
// of them, from 1 on. A goroutine that does not end, and a panic in any, end the
// test binary; with GODEBUG=tracebacklabels=1 the goroutines' labels name the
// seed.
func Seeds(t *testing.T, count int, run func(t *testing.T, seed uint64)) {
	t.Helper()
	if *oneSeed != 0 {
		Seed(t, *oneSeed, run)
		return
	}
	if *seedCount != 0 {
		count = *seedCount
	}
	for i := range count {
		seed := *firstSeed + uint64(i)
		t.Run("seed="+strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			Seed(t, seed, run)
		})
	}
}

// Seed runs a test with one seed.
func Seed(t *testing.T, seed uint64, run func(t *testing.T, seed uint64)) {
	t.Helper()
	if !Enabled {
		t.Skip("a simulation needs the build tag: go test -tags synctests")
	}
	pprof.Do(t.Context(), pprof.Labels("seed", strconv.FormatUint(seed, 10)), func(context.Context) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(Start))
			defer func() {
				if t.Failed() {
					test, _, _ := strings.Cut(t.Name(), "/")
					t.Logf("repeat it in the package's folder with: go test -tags synctests -run '^%s$' -count 20 -failfast -args --seed %d", test, seed)
				}
			}()
			run(t, seed)
		})
	})
}

// Verbose says whether one seed runs alone, so that all that happens may be
// printed.
func Verbose() bool { return *oneSeed != 0 }

// Random returns the random numbers of one part of a simulation, such as its
// load or its faults: they depend on the seed and the name alone, so that one
// part's draws do not move another's.
func Random(seed uint64, part string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(part)) // which never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
