package ingest

import (
	"slices"
	"sync"
)

// ranges collects the offsets of acknowledged records. Those of a partition come
// in their order, and most follow the one before.
type ranges struct {
	mu     sync.Mutex
	found  []OffsetRange
	newest map[int32]int // by partition: its range that was added last
}

func (r *ranges) add(partition int32, offset int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.newest[partition]; ok && r.found[i].To == offset {
		r.found[i].To++
		return
	}
	r.newest[partition] = len(r.found)
	r.found = append(r.found, OffsetRange{Partition: partition, From: offset, To: offset + 1})
}

func (r *ranges) all() []OffsetRange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.found)
}
