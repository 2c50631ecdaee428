package mirror

import (
	"time"

	"clickstream/warehouse"
)

// SetTryTimeout is how long one try to write invalid records may take.
func (m *Mirror) SetTryTimeout(d time.Duration) { m.tryTimeout = d }

// ClickHouse are the tables of w, for tests that stand between.
func ClickHouse(w *warehouse.Warehouse) Tables { return clickHouse{w} }

// TablesOf are the tables that a mirror of w stores into.
func TablesOf(w *warehouse.Warehouse) Tables { return clickHouse{w} }
