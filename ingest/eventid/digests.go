package eventid

import "slices"

// digests is a set of digests, open addressing with linear probing. They are
// as good as random, so they are their own hashes.
type digests struct {
	slots   []uint64 // 0: free
	used    int
	hasZero bool
}

// hasRoom says whether one more can be added.
func (s *digests) hasRoom() bool { return s.used < len(s.slots)/4*3 }

// add says whether d is new. There has to be room.
func (s *digests) add(d uint64) bool {
	if d == 0 {
		was := s.hasZero
		s.hasZero = true
		return !was
	}
	i, isNew := s.find(d)
	if isNew {
		s.slots[i] = d
		s.used++
	}
	return isNew
}

func (s *digests) find(d uint64) (slot uint64, free bool) {
	mask := uint64(len(s.slots) - 1)
	for i := d & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case d:
			return i, false
		case 0:
			return i, true
		}
	}
}

// grow makes n slots, a power of two.
func (s *digests) grow(n int) {
	old := s.slots
	s.slots = make([]uint64, n)
	for _, d := range old {
		if d != 0 {
			i, _ := s.find(d)
			s.slots[i] = d
		}
	}
}

// sorted returns the digests in ascending order, in the memory of the slots:
// the set has to be cleared before it is used again.
func (s *digests) sorted() []uint64 {
	all := s.slots[:0]
	for _, d := range s.slots {
		if d != 0 {
			all = append(all, d)
		}
	}
	if s.hasZero {
		all = append(all, 0)
	}
	slices.Sort(all)
	return all
}

// clear empties the set and keeps its memory.
func (s *digests) clear() {
	clear(s.slots)
	s.used, s.hasZero = 0, false
}
