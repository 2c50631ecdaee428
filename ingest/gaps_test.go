package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

func TestM6_InboundRecordsThatRetentionCutAreReportedBeforeItIsReadOn(t *testing.T) {
	cfg := brokertest.Open(t)
	p := testProducer(t, cfg)
	topic := cfg.Topics().Inbound
	inbound := func(from, to int) {
		var values [][]byte
		for i := from; i < to; i++ {
			values = append(values, fmt.Appendf(nil, `{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u%d"}`, i))
		}
		produceInbound(t, cfg, values...)
	}
	cut := func(before int64) { brokertest.Cut(t, cfg, topic, broker.Offsets{2: before}) }
	var mu sync.Mutex
	var reported []broker.Gap
	normalise := func() {
		n, err := NewNormaliser(NormaliserConfig{Broker: cfg, Producer: p, OnGaps: func(_ context.Context, gaps []broker.Gap) error {
			mu.Lock()
			defer mu.Unlock()
			reported = append(reported, gaps...)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := testwait.Run(t, n.Run)
		waitNormalised(t, cfg)
		r.Stop()
	}
	const each = int(broker.DefaultPartitions)
	inbound(0, 5*each)
	cut(2) // before anything was read: the topic may be older than the pipeline
	normalise()
	inbound(5*each, 10*each)
	cut(8)
	for range 2 {
		normalise()
	}
	topics, err := kadm.NewClient(cfg.Client).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	want := []broker.Gap{{Topic: topic, TopicID: topics[topic].ID.String(), Partition: 2, From: 5, To: 8, Reason: broker.Retention}}
	if !slices.Equal(reported, want) {
		t.Errorf("reported are %+v, want %+v", reported, want)
	}
	if ends, err := cfg.EndOffsets(t.Context(), cfg.Topics().Events); err != nil || sum(ends) != int64(10*each-2-3) {
		t.Errorf("%v (%v) on the log, want %d records", ends, err, 10*each-5)
	}
}

func TestTheNormaliserReadsOnWhereTheBrokerSaysThatItsTopicLostItsEnd(t *testing.T) {
	b, settings := brokertest.Start(t, t.TempDir())
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	var log testwait.Output
	n, err := NewNormaliser(NormaliserConfig{Broker: cfg, Producer: p, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	r := testwait.Run(t, n.Run)
	view := func(user string) []byte {
		return fmt.Appendf(nil, `{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":%q}`, user)
	}
	produceInbound(t, cfg, view("a"))
	waitNormalised(t, cfg)
	brokertest.LoseEnd(t, b, cfg, cfg.Topics().Inbound, 0)
	testwait.Until(t, "the loss is reported", func() bool { return strings.Contains(log.String(), "lost records") })
	produceInbound(t, cfg, view("b"))
	waitNormalised(t, cfg)
	r.Stop()
	if ends, err := cfg.EndOffsets(t.Context(), cfg.Topics().Events); err != nil || sum(ends) != 2 {
		t.Errorf("%v (%v) on the log, want 2 records", ends, err)
	}
}

// It stops at a batch that cannot be read, at every start, and with the setting
// that the error names it reports the batch and brings in everything else.
func TestM6_AnInboundBatchThatCannotBeReadIsPassedOverAsTheErrorSays(t *testing.T) {
	dir := t.TempDir()
	_, settings := brokertest.Start(t, dir)
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	topic := cfg.Topics().Inbound
	for i := range 3 {
		produceInbound(t, cfg, fmt.Appendf(nil, `{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u%d"}`, i))
	}
	brokertest.Damage(t, dir, topic, 0, 1, false)
	named := broker.OffsetRange{Topic: topic, First: 1, Last: 1}
	for range 2 {
		err := startNormaliser(t, cfg, p).Wait()
		if err == nil || !strings.Contains(err.Error(), topic+"-0: the batch of offset 1 is damaged") || !strings.Contains(err.Error(), "--kafka-pass-over="+named.String()+",") {
			t.Fatalf("the normaliser ended with %v, want the place and the way out", err)
		}
	}
	settings.PassOver = []broker.OffsetRange{named}
	var reported []broker.Gap
	n, err := NewNormaliser(NormaliserConfig{Broker: brokertest.OpenAt(t, settings), Producer: p, OnGaps: func(_ context.Context, gaps []broker.Gap) error {
		reported = append(reported, gaps...)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := testwait.Run(t, n.Run)
	waitNormalised(t, cfg)
	r.Stop()
	if len(reported) != 1 || reported[0].From != 1 || reported[0].To != 2 || reported[0].Reason != broker.Damaged || reported[0].TopicID == "" {
		t.Errorf("reported are %+v", reported)
	}
	if ends, err := cfg.EndOffsets(t.Context(), cfg.Topics().Events); err != nil || sum(ends) != 2 {
		t.Errorf("%v (%v) on the log, want 2 records", ends, err)
	}
}

func sum(offsets broker.Offsets) (n int64) {
	for _, offset := range offsets {
		n += offset
	}
	return n
}
