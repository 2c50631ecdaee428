package mirror

import (
	"sync"

	"clickstream/warehouse/rows"
)

// blocks hands out blocks of events, at most as many as there may be. They are
// used again: their columns have grown to the size they need.
type blocks struct {
	mu   sync.Mutex
	free []*rows.Events
	made int
	most int
}

// take returns an empty block, or nil where all are in use.
func (b *blocks) take() *rows.Events {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := len(b.free) - 1; last >= 0 {
		block := b.free[last]
		b.free = b.free[:last]
		return block
	}
	if b.made == b.most {
		return nil
	}
	b.made++
	return rows.NewEvents()
}

// give takes blocks back.
func (b *blocks) give(given []*rows.Events) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range given {
		block.Reset()
		b.free = append(b.free, block)
	}
}
