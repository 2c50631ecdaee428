package jobs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/warehouse"
)

func view(user, product string, at event.Millis) event.Event {
	return event.Event{Type: event.TypeView, UserID: user, ProductID: product, ProductCategory: "shoes", Timestamp: at, Price: 100_000, HasPrice: true}
}

func TestDaysAreThoseOfTheShopsClock(t *testing.T) {
	t.Parallel()
	loc := location(t, "Asia/Kathmandu")
	l := newTestLog(newRunner(t, loc))
	l.add(t, view("u", "p", at(t, loc, "2026-05-12 00:00:00")), view("u", "p", at(t, loc, "2026-05-12 23:59:59")), view("u", "p", at(t, loc, "2019-10-01 12:00:00")))
	days, err := l.r.Days(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []Day{NewDay(2019, time.October, 1), NewDay(2026, time.May, 12)}; !slices.Equal(days, want) {
		t.Errorf("days with events: %s, want %s", days, want)
	}
}

func TestJ3_PlanNamesMissingFailedAndStaleDays(t *testing.T) {
	t.Parallel()
	loc := location(t, "Europe/Berlin")
	l := newTestLog(newRunner(t, loc))
	days := DaysBetween(NewDay(2026, time.March, 28), NewDay(2026, time.March, 31))
	for _, day := range days[:3] {
		from, _ := day.Bounds(loc)
		l.add(t, view("u", "p", event.MillisOf(from)), view("u", "p2", event.MillisOf(from)))
	}
	const job = TopProducts
	for _, day := range days[:3] {
		l.run(t, job, day)
	}
	expect := func(only Only, want ...Day) {
		t.Helper()
		plan, err := l.r.Plan(t.Context(), Backfilling{Jobs: []string{job}, Days: days, Only: only})
		if err != nil {
			t.Fatal(err)
		}
		var got []Day
		for _, p := range plan {
			got = append(got, p.Day)
		}
		if !slices.Equal(got, want) {
			t.Errorf("days that are %s: %+v, want %s", only, plan, want)
		}
	}
	expect(OnlyAll, days...)
	expect(OnlyMissing, days[3])
	expect(OnlyFailed)
	expect(OnlyStale)

	// Copies of stored events are nothing new; another event is.
	copies := l.all[2:4]
	copies[0].ID, copies[1].ID = l.all[2].ID, l.all[3].ID
	l.add(t, copies...)
	expect(OnlyStale)
	_, to := days[1].Bounds(loc)
	l.add(t, view("u", "p", event.MillisOf(to)-1))
	expect(OnlyStale, days[1])
	l.run(t, job, days[1])
	expect(OnlyStale)

	// Rows of another run than the newest: two have overlapped.
	if err := l.r.cfg.Warehouse.Conn().Exec(t.Context(), "ALTER TABLE top_products_daily DROP PARTITION '"+days[0].String()+"'"); err != nil {
		t.Fatal(err)
	}
	expect(OnlyStale, days[0])
	l.run(t, job, days[0])

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.runInVain(t, job, days[2])
	expect(OnlyFailed, days[2])
	expect(OnlyMissing, days[3])
	l.run(t, job, days[2])
	expect(OnlyFailed)

	// The shop moved: no day is what it was.
	l.r.cfg.Location = time.UTC
	expect(OnlyStale, days[:3]...)
	if _, err := l.r.Plan(ctx, Backfilling{Days: days, Only: "some"}); err == nil {
		t.Error("a plan for days that are \"some\" was made")
	}
}

func TestRunDaysRunsEachJobForEachDayUpToOneEnd(t *testing.T) {
	t.Parallel()
	l := newTestLog(newRunner(t, time.UTC))
	days := DaysBetween(NewDay(2026, time.May, 1), NewDay(2026, time.May, 10))
	for _, day := range days {
		from, _ := day.Bounds(time.UTC)
		l.add(t, view("u", "p", event.MillisOf(from)), view("u", "p2", event.MillisOf(from)))
	}
	l.r.cfg.Broker = openBroker(t)
	stored := fillLog(t, l.r, l.ends)
	stored("")

	var reported []string
	began := time.Now()
	runs, err := l.r.RunDays(t.Context(), Backfilling{Days: days, Progress: func(done, total int, run Run) {
		reported = append(reported, fmt.Sprint(done, "/", total, " ", run.Job, " ", run.Day))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs, %s each", len(runs), time.Since(began)/time.Duration(len(runs)))
	second := len(Jobs()) // the first run of the second day
	if want := fmt.Sprintf("%d/%d %s 2026-05-02", second+1, len(runs), Jobs()[0].Name); len(runs) != len(Jobs())*len(days) || len(reported) != len(runs) || reported[second] != want {
		t.Errorf("%d runs, reported %q", len(runs), reported)
	}
	for _, run := range runs {
		if run.State != Succeeded || run.Trigger != Backfill || !slices.Equal(run.Offsets, l.ends) || run.Rows == 0 {
			t.Errorf("run: %+v", run)
		}
	}
}

// openBroker is a broker whose log has as many partitions as the tests' fixture.
func openBroker(t *testing.T) *broker.Client {
	t.Helper()
	cfg := brokertest.Config(t)
	cfg.Partitions = partitions
	return brokertest.OpenAt(t, cfg)
}

// fillLog makes the topic with so many records a partition. The function it
// returns says, as the mirror does, that they are stored in a table set; "" is
// that of the runner's tables.
func fillLog(t *testing.T, r *Runner, ends []int64) (stored func(warehouse.TableSet)) {
	t.Helper()
	client := brokertest.OpenAt(t, r.cfg.Broker.Config(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	id, err := client.EnsureTopics(t.Context())
	if err == nil {
		err = r.cfg.Warehouse.(*warehouse.Warehouse).CheckLog(t.Context(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
	topic := r.cfg.Broker.Topics().Events
	var offsets kadm.Offsets
	for p, end := range ends {
		records := make([]*kgo.Record, end)
		for i := range records {
			records[i] = &kgo.Record{Topic: topic, Partition: int32(p), Value: []byte("{}")}
		}
		if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		offsets.AddOffset(topic, int32(p), end, -1)
	}
	return func(tables warehouse.TableSet) {
		t.Helper()
		var err error
		if tables == "" {
			tables, err = r.cfg.Warehouse.(*warehouse.Warehouse).TableSet(t.Context())
		}
		if err == nil {
			err = kadm.NewClient(client.Client).CommitAllOffsets(t.Context(), tables.Group(r.cfg.Broker), offsets)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
