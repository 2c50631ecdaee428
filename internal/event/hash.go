package event

import (
	"encoding/binary"
	"math/bits"
)

// HashKey is what identity hashes depend on. A client that does not know it
// cannot make events whose hashes are equal. Each log has its own.
type HashKey [2]uint64

// IdentityHash is a 64-bit hash (SipHash-1-3) of the event's identity (E3): key,
// type, timestamp and id. It is a function of these and of the hash key alone, so
// that a replay meets the same hashes.
func (e *Event) IdentityHash(k HashKey) uint64 {
	var scratch [3*maxID + 16]byte
	buf := scratch[:0]
	key := e.Key()
	// The lengths keep ("ab","c") apart from ("a","bc").
	buf = append(buf, byte(len(key)), byte(len(e.Type)))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(e.Timestamp))
	buf = append(buf, key...)
	buf = append(buf, e.Type...)
	buf = append(buf, e.ID...)
	return k.sum(buf)
}

// sum is SipHash with one round a word and three at the end
// (https://www.aumasson.jp/siphash/siphash.pdf).
func (k HashKey) sum(b []byte) uint64 {
	s := sip{k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d, k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		s = s.word(binary.LittleEndian.Uint64(b))
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	s = s.word(last)
	s.c ^= 0xff
	s = s.round().round().round()
	return s.a ^ s.b ^ s.c ^ s.d
}

// sip is the state of a SipHash.
type sip struct{ a, b, c, d uint64 }

func (s sip) word(w uint64) sip {
	s.d ^= w
	s = s.round()
	s.a ^= w
	return s
}

func (s sip) round() sip {
	s.a += s.b
	s.b = bits.RotateLeft64(s.b, 13) ^ s.a
	s.a = bits.RotateLeft64(s.a, 32)
	s.c += s.d
	s.d = bits.RotateLeft64(s.d, 16) ^ s.c
	s.a += s.d
	s.d = bits.RotateLeft64(s.d, 21) ^ s.a
	s.c += s.b
	s.b = bits.RotateLeft64(s.b, 17) ^ s.c
	s.c = bits.RotateLeft64(s.c, 32)
	return s
}
