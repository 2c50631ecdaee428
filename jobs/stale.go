package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
)

// staleReasons returns a function that says why the rows of a day with a
// successful run are not right any more, or "".
func (r *Runner) staleReasons(ctx context.Context, succeeded map[jobDay]Run, jobs []Job, from, to Day) (func(Job, Day) string, error) {
	last, err := r.lastOffsets(ctx, from, to)
	if err != nil {
		return nil, err
	}
	stored := make(map[jobDay]map[uuid.UUID]uint64)
	for _, job := range jobs {
		if err := r.runsInTable(ctx, job, from, to, stored); err != nil {
			return nil, err
		}
	}
	return func(job Job, day Day) string {
		k := jobDay{job.Name, day}
		run, ok := succeeded[k]
		if !ok {
			return "" // missing, not stale
		}
		if run.Timezone != r.location().String() {
			return fmt.Sprintf("its last run was for the day in %s", run.Timezone)
		}
		for partition, offset := range last[day] {
			if int(partition) >= len(run.Offsets) || offset >= run.Offsets[partition] {
				return "events of the day came after its last run"
			}
		}
		// Two runs at a time may have ended in another order than they replaced
		// the rows.
		if rows := stored[k]; rows[run.ID] != run.Rows || run.Rows == 0 && len(rows) > 0 || len(rows) > 1 {
			return "its rows are not those of its last run"
		}
		return ""
	}, nil
}

// lastOffsets returns, for each day, the last offset of its events in each
// partition.
func (r *Runner) lastOffsets(ctx context.Context, from, to Day) (map[Day]map[int32]int64, error) {
	var found []struct {
		Quarter   int64 `ch:"quarter"`
		Partition int32 `ch:"kafka_partition"`
		Last      int64 `ch:"last"`
	}
	begin, _ := from.Bounds(r.location())
	_, end := to.Bounds(r.location())
	if err := r.cfg.Warehouse.Conn().Select(ctx, &found, query("last_offsets"),
		clickhouse.Named("from", begin.UnixMilli()), clickhouse.Named("to", end.UnixMilli())); err != nil {
		return nil, fmt.Errorf("look for events that came after their day's run: %w", err)
	}
	last := make(map[Day]map[int32]int64)
	for _, q := range found {
		day := DayOf(time.Unix(q.Quarter, 0), r.location())
		if last[day] == nil {
			last[day] = make(map[int32]int64)
		}
		last[day][q.Partition] = max(last[day][q.Partition], q.Last)
	}
	return last, nil
}

// runsInTable adds how many rows of each run the job's table holds, by day.
func (r *Runner) runsInTable(ctx context.Context, job Job, from, to Day, stored map[jobDay]map[uuid.UUID]uint64) error {
	var found []struct {
		Day  time.Time `ch:"day"`
		Run  uuid.UUID `ch:"run_id"`
		Rows uint64    `ch:"rows"`
	}
	if err := r.cfg.Warehouse.Conn().Select(ctx, &found, query("runs_in_table"), clickhouse.Named("table", job.Table),
		clickhouse.Named("from", from.String()), clickhouse.Named("to", to.String())); err != nil {
		return fmt.Errorf("look up which runs the rows of %s are from: %w", job.Table, err)
	}
	for _, f := range found {
		k := jobDay{job.Name, NewDay(f.Day.Date())}
		if stored[k] == nil {
			stored[k] = make(map[uuid.UUID]uint64)
		}
		stored[k][f.Run] = f.Rows
	}
	return nil
}
