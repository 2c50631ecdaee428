package mirror_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/mirror"
	"clickstream/warehouse/rows"
	"clickstream/warehouse/warehousetest"
)

// The first of two instances has read all that it may keep in memory when its
// ClickHouse stops answering. The second gets its partitions all the same, and
// what the first one holds is all that is stored twice.
func TestM1_AClickHouseThatHangsHoldsUpNoRebalance(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	g := newGate(t, server.TCPAddr())
	cfg := warehouse.Config{Addr: []string{g.addr()}, User: embedded.User, Password: server.Credentials().Password}
	s := warehousetest.NewShopAt(t, brokertest.Options{Partitions: 4}, cfg)
	const batchRows, total = 10, 1000
	small := func(c *mirror.Config) { c.BatchRows = batchRows }
	first := s.Mirror(small)
	produce(s, 0, 100)
	s.WaitStored()
	g.close()
	produce(s, 100, total)

	cfg.Addr = []string{server.TCPAddr()}
	direct := warehousetest.Open(t, cfg)
	began := time.Now()
	s.Mirror(small, func(c *mirror.Config) { c.Warehouse = direct })
	tables, err := direct.TableSet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "both instances have partitions", func() bool { return sharing(t, s, tables.Group(s.Broker)) == 2 })
	if took := time.Since(began); took > 30*time.Second { // a minute, where the group has to expel the first
		t.Errorf("the second instance has partitions after %s", took)
	}
	g.open()
	s.WaitStored()
	first.Stop()
	s.Want("SELECT count() FROM events", total)
	const inFlight = 4 * batchRows
	if repeated := s.Number("SELECT toUInt64(count() - uniqExact(kafka_partition, kafka_offset)) FROM event_log"); repeated > inFlight {
		t.Errorf("%d rows are stored twice, want at most the %d that may be in flight", repeated, inFlight)
	}
}

// sharing is how many members of a stable group have partitions.
func sharing(t *testing.T, s *warehousetest.Shop, group string) (n int) {
	t.Helper()
	groups, err := kadm.NewClient(s.Broker.Client).DescribeGroups(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if groups[group].State != "Stable" {
		return 0
	}
	for _, m := range groups[group].Members {
		if a, is := m.Assigned.AsConsumer(); is && len(a.Topics) > 0 {
			n++
		}
	}
	return n
}

// limited refuses an INSERT with more rows or days than it may have, as
// ClickHouse does where the query's memory limit is low.
type limited struct {
	mirror.Tables
	rows, days int
	refused    *atomic.Int64
}

func (l limited) Connect(ctx context.Context) (mirror.Connection, error) {
	c, err := l.Tables.Connect(ctx)
	return limitedConnection{c, l}, err
}

type limitedConnection struct {
	mirror.Connection
	limited
}

func (c limitedConnection) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	n, days := 0, make(map[int64]bool)
	for _, block := range blocks {
		n += block[0].Data.Rows()
		for _, column := range block {
			if times, is := column.Data.(*rows.Times); is && column.Name == "timestamp" {
				for _, at := range times.Data {
					days[int64(at)/(24*3600*1000)] = true
				}
			}
		}
	}
	if n > c.rows || len(days) > c.days {
		c.refused.Add(1)
		return &ch.Exception{Code: 241, Name: "DB::Exception", Message: "memory limit exceeded"}
	}
	return c.Connection.Insert(ctx, table, blocks)
}

// A request that sprays dates, or a low memory limit, stops the mirror for ever
// if it sends the same rows again.
func TestM2_WhatClickHouseCannotTakeAtOnceIsStoredInPieces(t *testing.T) {
	s := newShop(t)
	var records []*kgo.Record
	const total = 3000
	for n := range total {
		e := an(n)
		e.Timestamp -= event.Millis(n%60) * 24 * 3600 * 1000
		e.Properties = `{"n":` + e.ID[1:] + `}`
		records = append(records, s.Event(e, time.Now()))
	}
	s.Produce(records...)
	var refused atomic.Int64
	m := s.Mirror(func(c *mirror.Config) {
		c.BatchRows, c.Warehouse = total, nil
		c.Tables = limited{mirror.TablesOf(s.Tables), 200, 8, &refused}
	})
	s.WaitStored()
	m.Stop()
	if refused.Load() == 0 {
		t.Error("no INSERT was too large, so nothing is shown")
	}
	s.Want("SELECT count() FROM event_log", total)

	whole := warehousetest.Migrated(t)
	other := &warehousetest.Shop{Shop: s.Shop, Tables: whole}
	m = other.Mirror()
	other.WaitStored()
	m.Stop()
	const content = "SELECT groupBitXor(cityHash64(*)) FROM event_log"
	other.Want(content, s.Number(content))
}

// A rejected topic that is read from its beginning, or alerts of a long outage,
// are as large as events.
func TestM2_AlertsAndRejectedRecordsAreStoredInPiecesToo(t *testing.T) {
	s := newShop(t)
	topics := s.Broker.Topics()
	const total = 1000
	rule, start := event.DefaultRule(), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for n := range total {
		product, begin := fmt.Sprintf("p%d", n%50), start.Add(time.Duration(n*7919%total)*time.Minute)
		records = append(records,
			s.Alert(event.Alert{
				ID: rule.AlertID(product, event.MillisOf(begin)), Rule: rule.String(), ProductID: product, EpisodeID: fmt.Sprint("episode ", n%9),
				WindowStart: begin, WindowEnd: begin.Add(rule.Window), Status: []event.Status{event.Firing, event.Confirmed}[n%2],
				Views: 100 + n, Purchases: n % 5, ConversionRate: float64(n) / 8, Version: int64(n), Exact: n%3 > 0,
			}),
			broker.RejectedRecord(topics.Rejected, s.ID.Partitions, event.Rejected{
				Key: fmt.Appendf(nil, "k%d", n), Value: fmt.Appendf(nil, "{%d", n), Rejection: event.Rejection{Reason: event.ReasonBadJSON, Field: "f", Message: fmt.Sprint("m", n%7)},
				Origin: event.Origin{Kind: event.OriginFile, Name: "shop.csv", Position: int64(n)},
			}))
	}
	s.Produce(records...)
	var refused atomic.Int64
	m := s.Mirror(func(c *mirror.Config) {
		c.BatchRows, c.Warehouse = 2*total, nil
		c.Tables = limited{mirror.TablesOf(s.Tables), 200, 8, &refused}
	})
	s.WaitStored()
	m.Stop()
	if refused.Load() == 0 {
		t.Error("no INSERT was too large, so nothing is shown")
	}
	whole := &warehousetest.Shop{Shop: s.Shop, Tables: warehousetest.Migrated(t)}
	m = whole.Mirror()
	whole.WaitStored()
	m.Stop()
	for _, table := range []string{"alert_log", "rejected_log"} {
		s.Want("SELECT count() FROM "+table, total)
		content := "SELECT groupBitXor(cityHash64(*)) FROM " + table
		whole.Want(content, s.Number(content))
	}
}
