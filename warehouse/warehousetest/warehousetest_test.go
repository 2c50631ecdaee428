package warehousetest

import (
	"os"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	var first, second Endpoint
	t.Run("first", func(t *testing.T) {
		first, second = Database(t), Database(t)
		if first.Database == second.Database {
			t.Errorf("two calls gave the same database %s", first.Database)
		}
		execute(t, first, "CREATE TABLE "+first.Database+".t (n UInt8) ENGINE = MergeTree ORDER BY n")
	})

	c, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{first.Addr},
		Auth: clickhouse.Auth{Username: first.User, Password: first.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var left uint64
	err = c.QueryRow(t.Context(), "SELECT count() FROM system.databases WHERE name IN (?, ?)", first.Database, second.Database).Scan(&left)
	if err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d databases are left after their test", left)
	}
}

func TestAnEngineThatEndsIsThereAgainForTheNextTest(t *testing.T) {
	Database(t)
	if shared.server == nil {
		t.Skip("the tests use another ClickHouse than their own")
	}
	shared.server.Kill()
	// It is not waited for here.
	e := Database(t)
	execute(t, e, "CREATE TABLE "+e.Database+".t (n UInt8) ENGINE = MergeTree ORDER BY n")
}
