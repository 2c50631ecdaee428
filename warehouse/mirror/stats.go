package mirror

import (
	"maps"
	"sync"

	"clickstream/internal/broker"
)

// Stats are figures since New.
type Stats struct {
	Events   int64 `json:"events"`   // rows stored in event_log
	Alerts   int64 `json:"alerts"`   // rows stored in alert_log
	Rejected int64 `json:"rejected"` // rows stored in rejected_log
	Batches  int64 `json:"batches"`  // stored and committed
	Invalid  int64 `json:"invalid"`  // records sent to the rejected topic
	Skipped  int64 `json:"skipped"`  // records without a value
	Retries  int64 `json:"retries"`  // steps that were tried again
	Gaps     int64 `json:"gaps"`     // gaps of the topics that were recorded
	// LastError is what was last waited for, or empty.
	LastError string `json:"last_error,omitempty"`
	// Stored is, by topic, the next offset after what is stored and committed.
	Stored map[string]broker.Offsets `json:"stored"`
}

// Stats may be called at any time.
func (m *Mirror) Stats() Stats {
	m.stats.mu.Lock()
	defer m.stats.mu.Unlock()
	s := m.stats.Stats
	s.Stored = make(map[string]broker.Offsets, len(m.stats.Stored))
	for topic, offsets := range m.stats.Stored {
		s.Stored[topic] = maps.Clone(offsets)
	}
	return s
}

type counters struct {
	mu sync.Mutex
	Stats
}

// add changes the figures under their lock.
func (c *counters) add(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.Stats)
}
