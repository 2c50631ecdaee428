package warehousetest

import (
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/mirror"
)

// Shop is a log and migrated tables of a test's own.
type Shop struct {
	*brokertest.Shop
	Tables *warehouse.Warehouse
}

// NewShop makes topics and tables.
func NewShop(t testing.TB, o brokertest.Options) *Shop {
	t.Helper()
	return NewShopAt(t, o, Database(t).Config())
}

// NewShopAt is NewShop with the tables in a given database.
func NewShopAt(t testing.TB, o brokertest.Options, tables warehouse.Config) *Shop {
	t.Helper()
	return &Shop{Shop: brokertest.NewShop(t, o), Tables: migratedAt(t, tables)}
}

// Mirror is a mirror that runs until it is stopped or the test is over.
type Mirror struct {
	*mirror.Mirror
	*testwait.Running
}

// Mirror runs one with small batches, if change does not say otherwise.
func (s *Shop) Mirror(change ...func(*mirror.Config)) Mirror {
	s.Helper()
	cfg := mirror.Config{Broker: s.Broker, Warehouse: s.Tables, BatchRows: 500, BatchDelay: 50 * time.Millisecond}
	for _, c := range change {
		c(&cfg)
	}
	m, err := mirror.New(cfg)
	if err != nil {
		s.Fatal(err)
	}
	return Mirror{m, testwait.Run(s, m.Run)}
}

// WaitStored returns when the mirror has committed all that is in the topics.
// Invalid records of the log come to the rejected topic before the log's
// offsets are committed.
func (s *Shop) WaitStored() {
	s.Helper()
	topics := s.Broker.Topics()
	ctx := testwait.Context(s)
	for _, topic := range []string{topics.Events, topics.Alerts, topics.Rejected} {
		ends, err := s.Broker.EndOffsets(ctx, topic)
		if err == nil {
			err = s.Tables.WaitStored(ctx, s.Broker, topic, ends, nil)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

// Exec executes a statement.
func (s *Shop) Exec(sql string) {
	s.Helper()
	if err := s.Tables.Conn().Exec(s.Context(), sql); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

// Number returns the answer of a query that is one number.
func (s *Shop) Number(sql string) (n uint64) {
	s.Helper()
	if err := s.Tables.Conn().QueryRow(s.Context(), sql).Scan(&n); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	return n
}

// Want fails the test where the answer is another number.
func (s *Shop) Want(sql string, want uint64) {
	s.Helper()
	if got := s.Number(sql); got != want {
		s.Errorf("%s: got %d, want %d", sql, got, want)
	}
}
