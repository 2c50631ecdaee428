package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"clickstream/ingest"
	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance"
)

// storedWithin is how long an import waits for others' mirror, to say how many
// of its events are duplicates.
const storedWithin = 30 * time.Second

// addition is what an import added to the events.
type addition struct {
	added uint64 // first copies
	late  uint64 // of those, came after their windows had closed
}

// added looks up what an import has added, once the mirror has stored it, and what
// was late by the rules of the set. Where
// that takes longer than storedWithin, known is false.
func added(ctx context.Context, s *status, p *instance.Pipeline, r ingest.Report, set *rules.Set) (a addition, known bool, err error) {
	ends := make(broker.Offsets)
	for _, o := range r.Appended {
		ends[o.Partition] = max(ends[o.Partition], o.To)
	}
	waiting, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	err = p.Warehouse.WaitStored(waiting, p.Broker, p.Broker.Topics().Events, ends, func(left int64) {
		s.set("storing: %s records to go", count(left))
	})
	s.clear()
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
		return addition{}, false, err
	}
	a, err = lookUpAdded(ctx, p, r, set)
	if err != nil {
		return a, false, fmt.Errorf("count what the import has added: %w", err)
	}
	return a, true, nil
}

func lookUpAdded(ctx context.Context, p *instance.Pipeline, r ingest.Report, set *rules.Set) (a addition, err error) {
	t, err := ext.NewTable("appended", ext.Column("partition", "Int32"), ext.Column("from", "Int64"), ext.Column("to", "Int64"))
	if err != nil {
		return a, err
	}
	starts := make(map[int32]int64)
	var errs []error
	for _, o := range r.Appended {
		if start, ok := starts[o.Partition]; !ok || o.From < start {
			starts[o.Partition] = o.From
		}
		errs = append(errs, t.Append(o.Partition, o.From, o.To))
	}
	if err := errors.Join(errs...); err != nil {
		return a, err
	}
	var slides, windows []int64
	for _, rule := range set.Rules() {
		slides, windows = append(slides, rule.Slide.Milliseconds()), append(windows, rule.Window.Milliseconds())
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(t))
	err = p.Warehouse.Conn().QueryRow(ctx, query("imported"),
		clickhouse.Named("starts", starts), clickhouse.Named("lateness", set.Lateness().Milliseconds()),
		clickhouse.Named("slides", slides), clickhouse.Named("windows", windows),
		clickhouse.Named("from", r.First.UnixMilli()), clickhouse.Named("to", r.Last.UnixMilli()),
	).Scan(&a.added, &a.late)
	return a, err
}

// printAdded says what an import has added.
func printAdded(w io.Writer, r ingest.Report, a addition, known bool) {
	switch duplicates := r.Accepted - int64(a.added); {
	case !known:
		wrapped(w, 0, "The events are not in the tables yet, so it is not known how many are duplicates: no mirror runs, or it lags (clickstream status).")
		return
	case duplicates == r.Accepted:
		fmt.Fprintf(w, "All %s events are duplicates: nothing is added.\n", count(r.Accepted))
	case duplicates > 0:
		fmt.Fprintf(w, "%s events are new, %s are duplicates of others.\n", count(a.added), count(duplicates))
	}
	if a.late > 0 {
		wrapped(w, 0, fmt.Sprintf("%s of the new events came after their windows had closed, by the events that were on the log before: "+
			"they are in the reports, not in the alerts. analyze finds the alerts of a file by itself.", count(a.late)))
	}
}
