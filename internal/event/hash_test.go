package event

import "testing"

// The values are those of another implementation of SipHash-1-3, which gives the
// published ones of SipHash-2-4.
func TestIdentityHashesAreSipHash(t *testing.T) {
	key := HashKey{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	text := make([]byte, 63)
	for i := range text {
		text[i] = byte(i)
	}
	for n, want := range map[int]uint64{
		0: 0xabac0158050fc4dc, 1: 0xc9f49bf37d57ca93, 7: 0xd3927d989bb11140,
		8: 0x369095118d299a8e, 15: 0xd320d86d2a519956, 63: 0x9d199062b7bbb3a8,
	} {
		if got := key.sum(text[:n]); got != want {
			t.Errorf("of %d bytes: got %#x, want %#x", n, got, want)
		}
	}
}

func TestE3_IdentityHashesOfAnotherLogAreOthers(t *testing.T) {
	e := valid()
	if e.IdentityHash(HashKey{1, 2}) == e.IdentityHash(HashKey{1, 3}) || e.IdentityHash(HashKey{1, 2}) == e.IdentityHash(HashKey{0, 2}) {
		t.Error("the hash does not depend on the whole key")
	}
}

func BenchmarkIdentityHash(b *testing.B) {
	e := Event{ID: "evt_00012345", Type: TypeView, Timestamp: 1_700_000_000_000, ProductID: "product-0001234"}
	b.ReportAllocs()
	for b.Loop() {
		e.IdentityHash(HashKey{1, 2})
	}
}
