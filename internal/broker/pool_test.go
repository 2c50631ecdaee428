package broker

import (
	"math/rand/v2"
	"testing"
)

func TestASliceThatIsUsedAgainIsLargeEnough(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var p slicePool[byte]
	for range 10_000 {
		n := rng.IntN(5000)
		s := p.get(n)
		if len(s) != 0 || cap(s) < n {
			t.Fatalf("a slice of %d with room for %d, want %d", len(s), cap(s), n)
		}
		// The client grows slices, to any size.
		if rng.IntN(2) == 0 {
			s = make([]byte, n, n+rng.IntN(3000))
		}
		p.put(s)
	}
}
