package warehouse

import (
	"context"
	"fmt"
)

// DropDatabase drops the database with everything in it. It is for databases
// that were made for a purpose that has ended; the log stays.
func (w *Warehouse) DropDatabase(ctx context.Context) error {
	// The name was checked when the Warehouse was opened.
	if err := w.conn.Exec(ctx, "DROP DATABASE IF EXISTS `"+w.cfg.Database+"` SYNC"); err != nil {
		return fmt.Errorf("drop database %s: %w", w.cfg.Database, err)
	}
	return nil
}
