package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// prefix is how the names of all our tables begin.
const prefix = "verify_"

// ours are the tables of a verification, as the statements call them.
var ours = []string{"stored", "rest", "decoded", "judged", "wrong", "ticks", "changes", "eras", "marks", "closes", "expected", "chosen", "qualified", "parents", "emitted", "rejected", "progress"}

// abandoned is how long the tables of a run stay without a change until another
// run drops them: a killed one has left them.
var abandoned = time.Hour

// tables are the names of a verification's tables.
type tables struct{ id string }

func newTables() tables { return tables{prefix + strings.ToLower(rand.Text()[:12])} }

func (t tables) name(table string) string { return t.id + "_" + table }

// create makes the tables.
func (v *verification) create(ctx context.Context) error {
	text, err := files.ReadFile("sql/create.sql")
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(strings.TrimSpace(string(text)), ";\n\n") {
		if err := v.Warehouse.Conn().Exec(ctx, statement, v.params()...); err != nil {
			return fmt.Errorf("create a table to compare with: %w", err)
		}
	}
	return nil
}

// drop drops the tables, also when ctx has ended.
func (v *verification) drop(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	for _, table := range ours {
		err = errors.Join(err, v.dropTable(ctx, v.tables.name(table)))
	}
	return err
}

func (v *verification) dropTable(ctx context.Context, name string) error {
	if err := v.Warehouse.Conn().Exec(ctx, "DROP TABLE IF EXISTS {name:Identifier} SYNC", clickhouse.Named("name", name)); err != nil {
		return fmt.Errorf("drop table %s, which verify has made: %w", name, err)
	}
	return nil
}

// dropAbandoned drops what runs that were killed have left.
func (v *verification) dropAbandoned(ctx context.Context) error {
	var names []string
	err := v.query(ctx, "abandoned", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	}, clickhouse.Named("prefix", prefix), clickhouse.Named("seconds", int64(abandoned.Seconds())))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := v.dropTable(ctx, name); err != nil {
			return err
		}
		v.Log.Info().Str("table", name).Msg("dropped a table that an interrupted verify had left")
	}
	return nil
}
