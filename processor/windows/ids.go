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
// their size. Few are kept of each, and those of a busy hour not for ever.
type tables [64]struct {
	waiting [][]uint64
	spare   int // tables that have waited since the last release
}

const keptTables = 4

// release gives up the tables that nobody has taken since it was called last.
func (t *tables) release() {
	for c := range t {
		size := &t[c]
		n := len(size.waiting) - size.spare
		clear(size.waiting[n:])
		size.waiting, size.spare = size.waiting[:n], n
	}
}

func (t *tables) take(size int) []uint64 {
	at := &t[bits.Len(uint(size))]
	n := len(at.waiting) - 1
	if n < 0 {
		return make([]uint64, size)
	}
	table := at.waiting[n]
	at.waiting[n] = nil
	at.waiting = at.waiting[:n]
	at.spare = min(at.spare, n)
	return table
}

func (t *tables) give(table []uint64) {
	at := &t[bits.Len(uint(len(table)))]
	if len(table) == 0 || len(at.waiting) == keptTables {
		return
	}
	clear(table)
	at.waiting = append(at.waiting, table)
}
