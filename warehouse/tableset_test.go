package warehouse_test

import (
	"testing"

	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// Whoever asks gets the same id, also while the tables are used for the first
// time; other tables, and those that were created again, have another one.
func TestM5_ATableSetIsAFunctionOfItsTables(t *testing.T) {
	of := func(w *warehouse.Warehouse) warehouse.TableSet {
		t.Helper()
		tables, err := w.TableSet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return tables
	}
	cfg := config(t)
	w := warehousetest.Open(t, cfg)
	if _, err := w.TableSet(t.Context()); err == nil {
		t.Error("a database without tables has a table set")
	}
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := of(w)
	if again := of(warehousetest.Open(t, cfg)); again != first {
		t.Errorf("one connection says %s, another %s", first, again)
	}
	if other := of(warehousetest.Migrated(t)); other == first {
		t.Error("two databases have the same table set")
	}
	if _, err := w.MigrateReset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := of(w); again == first {
		t.Error("tables that were created again are the same table set")
	}
}
