package brokertest

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Shop is a shop's log of a test's own: a broker with all topics, to write
// records to and to read. Its methods end the test where they fail.
type Shop struct {
	testing.TB
	Broker *broker.Client // writes a record to the partition that it names
	ID     broker.LogIdentity
}

// Options of a Shop. The zero Options are good for most tests.
type Options struct {
	Broker     broker.Config // default: Config
	Partitions int32         // of the topics; default: broker.DefaultPartitions
	// Records keep the times that the test gives them; otherwise the broker's
	// clock says when they were received.
	OwnReceiveTimes bool
}

// NewShop makes the topics.
func NewShop(t testing.TB, o Options) *Shop {
	t.Helper()
	cfg := o.Broker
	if len(cfg.Brokers) == 0 {
		cfg = Config(t)
	}
	if o.Partitions != 0 {
		cfg.Partitions = o.Partitions
	}
	if o.OwnReceiveTimes {
		OwnReceiveTimes(t, cfg)
	}
	s := &Shop{TB: t, Broker: OpenAt(t, cfg, broker.ProducerOptions()...)}
	var err error
	if s.ID, err = s.Broker.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Event is e as it stands on the log.
func (s *Shop) Event(e event.Event, received time.Time) *kgo.Record {
	return &kgo.Record{
		Topic: s.ID.Topic, Partition: event.Partition(e.Key(), s.ID.Partitions), Key: []byte(e.Key()), Value: e.AppendJSON(nil), Timestamp: received,
	}
}

// Alert is a as it stands on the alerts topic.
func (s *Shop) Alert(a event.Alert) *kgo.Record {
	s.Helper()
	value, err := a.AppendJSON(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &kgo.Record{
		Topic: s.Broker.Topics().Alerts, Partition: event.Partition(a.ProductID, s.ID.Partitions), Key: []byte(a.ProductID), Value: value,
	}
}

// Produce writes records and returns when they are acknowledged.
func (s *Shop) Produce(records ...*kgo.Record) {
	s.Helper()
	if err := s.Broker.ProduceSync(s.Context(), records...).FirstErr(); err != nil {
		s.Fatal(err)
	}
}

// Read reads a topic from its start to its present end.
func (s *Shop) Read(topic string, fn func(*kgo.Record)) {
	s.Helper()
	read(s, s.Broker, topic, fn)
}

// Length is how many offsets of a topic are used.
func (s *Shop) Length(topic string) (sum int64) {
	s.Helper()
	ends, err := s.Broker.EndOffsets(s.Context(), topic)
	if err != nil {
		s.Fatal(err)
	}
	for _, end := range ends {
		sum += end
	}
	return sum
}
