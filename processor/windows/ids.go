package windows

import "math/bits"

// idSet remembers 64-bit hashes in one flat table (open addressing, linear
// probing, at most three quarters full). The zero value is an empty set.
type idSet struct {
	table []uint64 // 0 is an empty place
	n     int
}

const (
	minTable = 1 << 6
	// The hash 0 would look like an empty place, so it is kept as this one.
	zeroHash = 0x9e3779b97f4a7c15
)

// add reports whether h was not in the set before. A set that already holds
// limit hashes takes no other: then kept is false, and h may have been seen or
// not.
func (s *idSet) add(h uint64, limit int, free *tables) (added, kept bool) {
	if h == 0 {
		h = zeroHash
	}
	if 4*s.n >= 3*len(s.table) {
		s.grow(free)
	}
	i := s.place(h)
	switch {
	case s.table[i] == h:
		return false, true
	case s.n >= limit:
		return true, false
	}
	s.table[i] = h
	s.n++
	return true, true
}

func (s *idSet) place(h uint64) int {
	mask := len(s.table) - 1
	i := int(h) & mask
	for s.table[i] != 0 && s.table[i] != h {
		i = (i + 1) & mask
	}
	return i
}

func (s *idSet) grow(free *tables) {
	old := s.table
	s.table = free.take(max(minTable, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			s.table[s.place(h)] = h
		}
	}
	free.give(old)
}

// clear empties the set and gives its table to free.
func (s *idSet) clear(free *tables) {
	free.give(s.table)
	*s = idSet{}
}

// tables are cleared tables that wait to be used again, by the logarithm of
// their size. Few are kept of each: a table that is given back is soon taken,
// and the largest ones of a busy hour must not stay for ever.
type tables [64][][]uint64

const keptTables = 4

func (t *tables) take(size int) []uint64 {
	c := bits.Len(uint(size))
	if n := len(t[c]); n > 0 {
		table := t[c][n-1]
		t[c][n-1] = nil
		t[c] = t[c][:n-1]
		return table
	}
	return make([]uint64, size)
}

func (t *tables) give(table []uint64) {
	c := bits.Len(uint(len(table)))
	if len(table) == 0 || len(t[c]) == keptTables {
		return
	}
	clear(table)
	t[c] = append(t[c], table)
}
