package mirror

import "time"

// SetTryTimeout is how long one try to write invalid records may take.
func (m *Mirror) SetTryTimeout(d time.Duration) { m.tryTimeout = d }
