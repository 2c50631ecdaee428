package warehouse_test

import (
	"testing"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

func TestCommitsMadeForAnotherTableSetDoNotCount(t *testing.T) {
	for _, c := range []struct {
		commit broker.Commit
		tables warehouse.TableSet
		want   int64
	}{
		{broker.Commit{Offset: 5, Metadata: "tables 1"}, "tables 1", 5},
		{broker.Commit{Offset: 5, Metadata: "tables 1"}, "tables 2", 0},
		{broker.Commit{Offset: 5}, "tables 2", 5}, // made by a person
		{warehouse.TableSet("tables 2").Commit(7), "tables 2", 7},
	} {
		if got := c.tables.Offset(c.commit); got != c.want {
			t.Errorf("%+v for table set %q: %d, want %d", c.commit, c.tables, got, c.want)
		}
	}
}
