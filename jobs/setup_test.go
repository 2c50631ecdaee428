package jobs

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"clickstream/internal/event"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

const partitions = 3

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// newRunner returns a Runner on a database of its own, without a broker.
func newRunner(t *testing.T, loc *time.Location) *Runner {
	t.Helper()
	r, err := New(Config{Warehouse: warehousetest.Migrated(t), Location: loc})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// testLog is the log, as far as the mirror has stored it: it gives events their
// places and puts them into event_log.
type testLog struct {
	r    *Runner
	ends []int64
	all  []event.Event // in the order of the log, later copies included
	next int

	waiting []event.Event
}

func newTestLog(r *Runner) *testLog { return &testLog{r: r, ends: make([]int64, partitions)} }

// add appends events in one insert. One without an id gets one.
func (l *testLog) add(t *testing.T, events ...event.Event) {
	t.Helper()
	batch, err := l.r.cfg.Warehouse.Conn().PrepareBatch(t.Context(), `INSERT INTO event_log
		(event_id, event_type, timestamp, user_id, session_id, product_id, product_category, price, quantity,
		 kafka_key, kafka_partition, offset_rank, received_at)`)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	for _, e := range events {
		if e.ID == "" {
			l.next++
			e.ID = fmt.Sprint("e", l.next)
		}
		e.Quantity = max(e.Quantity, 1)
		var price *decimal.Decimal
		if e.HasPrice {
			d := decimal.New(e.Price, -4)
			price = &d
		}
		p := event.Partition(e.Key(), partitions)
		if err := batch.Append(e.ID, e.Type, e.Timestamp.Time(), e.UserID, e.SessionID, e.ProductID, e.ProductCategory, price, uint32(e.Quantity),
			e.Key(), p, ^uint64(l.ends[p]), e.Timestamp.Time()); err != nil {
			t.Fatal(err)
		}
		l.ends[p]++
		l.all = append(l.all, e)
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// add1 keeps an event for the next flush.
func (l *testLog) add1(e event.Event) { l.waiting = append(l.waiting, e) }

func (l *testLog) flush(t *testing.T) {
	t.Helper()
	l.add(t, l.waiting...)
	l.waiting = nil
}

// offsets is the log's end now.
func (l *testLog) offsets() []int64 { return append([]int64(nil), l.ends...) }

// run runs a job up to the log's end.
func (l *testLog) run(t *testing.T, job string, day Day) Run {
	t.Helper()
	return l.runUpTo(t, job, day, l.offsets())
}

func (l *testLog) runUpTo(t *testing.T, name string, day Day, offsets []int64) Run {
	t.Helper()
	job, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := l.r.run(t.Context(), job, day, Manual, 1, offsets)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// runInVain is a run that fails, for it has no time.
func (l *testLog) runInVain(t *testing.T, name string, day Day) {
	t.Helper()
	job, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	hurried := *l.r
	hurried.cfg.Timeout = time.Nanosecond
	if run, err := hurried.run(t.Context(), job, day, Manual, 1, l.offsets()); err == nil || run.State != Failed {
		t.Fatalf("a run without time: %+v, %v, want it failed", run, err)
	}
}

func (l *testLog) runAll(t *testing.T, days ...Day) {
	t.Helper()
	for _, day := range days {
		for _, job := range Jobs() {
			l.run(t, job.Name, day)
		}
	}
}

// read runs a query whose first column is one string a row.
func read(t *testing.T, r *Runner, q string) []string {
	t.Helper()
	got, err := readStrings(t.Context(), r, q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func readStrings(ctx context.Context, r *Runner, q string) ([]string, error) {
	rows, err := r.cfg.Warehouse.Conn().Query(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		got = append(got, s)
	}
	return got, rows.Err()
}

func at(t *testing.T, loc *time.Location, s string) event.Millis {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return event.MillisOf(v)
}
