package windows

import "hash/maphash"

// names finds the place of a product by its name, in one flat table (open
// addressing, linear probing, at most three quarters full).
type names struct {
	seed  maphash.Seed
	slots []nameSlot // a power of two long
	n     int
}

type nameSlot struct {
	hash  uint32
	place int32 // of the product, plus one; 0: the slot is empty
}

const minNames = 1 << 4

func newNames() names { return names{seed: maphash.MakeSeed(), slots: make([]nameSlot, minNames)} }

func (n *names) hash(name string) uint32 { return uint32(maphash.String(n.seed, name)) }

// find returns the place in products of the one with this name.
func (n *names) find(name string, hash uint32, products []product) (place int32, ok bool) {
	mask := uint32(len(n.slots) - 1)
	for i := hash & mask; n.slots[i].place != 0; i = (i + 1) & mask {
		if s := n.slots[i]; s.hash == hash && products[s.place-1].name == name {
			return s.place - 1, true
		}
	}
	return 0, false
}

// add adds a name that is not in the table.
func (n *names) add(hash uint32, place int32) {
	if 4*(n.n+1) > 3*len(n.slots) {
		n.resize(2*len(n.slots), func(place int32) int32 { return place })
	}
	n.put(nameSlot{hash, place + 1})
	n.n++
}

func (n *names) put(s nameSlot) {
	mask := uint32(len(n.slots) - 1)
	i := s.hash & mask
	for n.slots[i].place != 0 {
		i = (i + 1) & mask
	}
	n.slots[i] = s
}

// remove removes the name of the product at place, which is in the table.
func (n *names) remove(hash uint32, place int32) {
	mask := uint32(len(n.slots) - 1)
	i := hash & mask
	for n.slots[i].place != place+1 {
		i = (i + 1) & mask
	}
	n.n--
	// What follows moves up, unless it would come before where its search begins.
	for j := (i + 1) & mask; n.slots[j].place != 0; j = (j + 1) & mask {
		if home := n.slots[j].hash & mask; (j-home)&mask >= (j-i)&mask {
			n.slots[i] = n.slots[j]
			i = j
		}
	}
	n.slots[i] = nameSlot{}
}

// shrink makes the table as small as its names allow, and gives the products new
// places.
func (n *names) shrink(moved []int32) {
	size := minNames
	for 4*n.n > 3*size {
		size *= 2
	}
	n.resize(size, func(place int32) int32 { return moved[place] })
}

// resize makes the table size slots long, and gives the products new places.
func (n *names) resize(size int, moved func(place int32) int32) {
	old := n.slots
	n.slots = make([]nameSlot, size)
	for _, s := range old {
		if s.place != 0 {
			n.put(nameSlot{s.hash, moved(s.place-1) + 1})
		}
	}
}
