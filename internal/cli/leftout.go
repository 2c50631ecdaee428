package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"clickstream/internal/instance"
)

// leftOut collects the records that counted in no window, late or future: 16
// bytes each. A file that is imported again is late as a whole, but its events
// counted the first time; so only those that are events' first copies are shown.
type leftOut struct {
	mu      sync.Mutex
	records []leftOutRecord
}

type leftOutRecord struct {
	offset    int64
	partition int32
	future    bool
}

func (l *leftOut) add(partition int32, offset int64, future bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, leftOutRecord{offset, partition, future})
}

// events counts the events whose first copy was left out.
func (l *leftOut) events(ctx context.Context, p *instance.Pipeline) (late, future int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const atATime = 100_000
	for rest := l.records; len(rest) > 0; {
		n := min(len(rest), atATime)
		a, b, err := countLeftOut(ctx, p, rest[:n])
		if err != nil {
			return 0, 0, fmt.Errorf("count late and future events: %w", err)
		}
		late, future, rest = late+int64(a), future+int64(b), rest[n:]
	}
	return late, future, nil
}

func countLeftOut(ctx context.Context, p *instance.Pipeline, records []leftOutRecord) (late, future uint64, err error) {
	t, err := ext.NewTable("left_out", ext.Column("partition", "Int32"), ext.Column("offset", "Int64"), ext.Column("future", "Bool"))
	if err != nil {
		return 0, 0, err
	}
	var errs []error
	for _, r := range records {
		errs = append(errs, t.Append(r.partition, r.offset, r.future))
	}
	if err := errors.Join(errs...); err != nil {
		return 0, 0, err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(t))
	err = p.Warehouse.Conn().QueryRow(ctx, query("analyze_left_out")).Scan(&late, &future)
	return late, future, err
}
