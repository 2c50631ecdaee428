package processor

import (
	"context"
	"slices"
	"strings"
	"testing"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

// It stops at a batch that cannot be read, at every start, and with the setting
// that the error names it reports the batch and counts everything else.
func TestM6_ABatchThatCannotBeReadIsPassedOverAsTheErrorSays(t *testing.T) {
	s, _, dir := outageShop(t)
	for some := range slices.Chunk(someHours(21, 900), 100) {
		produce(s, some...)
	}
	const n = 3
	first, next := brokertest.Damage(t, dir, s.ID.Topic, n, endsOf(s, s.ID.Topic)[n]/2, false)
	// The model reads the log too.
	cfg := s.Broker.Config()
	cfg.PassOver = []broker.OffsetRange{{Topic: s.ID.Topic, Partition: n, First: first, Last: next - 1}}
	for range 2 {
		p := start(s, smallRule, nil)
		if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "--kafka-pass-over="+cfg.PassOver[0].String()) {
			t.Fatalf("the processor ended with %v, want the way out", err)
		}
	}
	s.Broker = brokertest.OpenAt(t, cfg, broker.ProducerOptions()...)
	var got []broker.Gap
	p, err := newBy(smallRule, Config{Broker: s.Broker, OnGaps: func(_ context.Context, gaps []broker.Gap) error {
		got = append(got, gaps...)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := running{p, testwait.Run(t, p.Run), s}
	r.close()
	check(s, smallRule)
	want := broker.Gap{Topic: s.ID.Topic, TopicID: s.ID.TopicID, Partition: n, From: first, To: next, Reason: broker.Damaged}
	if len(got) != 1 || got[0] != want {
		t.Errorf("reported are %+v, want %+v", got, want)
	}
}
