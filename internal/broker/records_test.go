package broker_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

func TestTicksAreReadAsTheyWereWritten(t *testing.T) {
	tick := event.Tick{After: -1, Quiet: 61_000}
	r := broker.TickRecord("log", 3, tick)
	if got, ok := broker.ParseTick(r); !ok || got != tick || r.Partition != 3 || r.Topic != "log" {
		t.Errorf("got %+v %v from %+v", got, ok, r)
	}
	header := func(pairs ...string) (h []kgo.RecordHeader) {
		for i := 0; i < len(pairs); i += 2 {
			h = append(h, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		return h
	}
	for name, bad := range map[string]*kgo.Record{
		"no headers":      {},
		"tick alone":      {Headers: header("tick", "1")},
		"another version": {Headers: header("tick", "2", "after", "1", "quiet_ms", "1")},
		"after -2":        {Headers: header("tick", "1", "after", "-2", "quiet_ms", "1")},
		"negative quiet":  {Headers: header("tick", "1", "after", "1", "quiet_ms", "-1")},
		"with a key":      {Key: []byte("k"), Headers: r.Headers},
		"with a value":    {Value: []byte{}, Headers: r.Headers},
	} {
		if got, ok := broker.ParseTick(bad); ok {
			t.Errorf("%s: taken for the tick %+v", name, got)
		}
	}
}

func TestE1_RejectedRecordsKeepKeyBytesReasonAndOrigin(t *testing.T) {
	rejected := event.Rejected{
		Key: []byte("k\x00"), Value: []byte("\xff\x00"),
		Rejection: event.Rejection{Reason: event.ReasonBadTime, Field: "timestamp", Message: "m"},
		Origin:    event.Origin{Kind: event.OriginCollector, Name: "shop", Request: "r1", Position: 17},
	}
	r := broker.RejectedRecord("rejected", 5, rejected)
	got := broker.ParseRejected(r)
	if !bytes.Equal(got.Key, rejected.Key) || !bytes.Equal(got.Value, rejected.Value) || got.Rejection != rejected.Rejection || got.Origin != rejected.Origin {
		t.Errorf("got %+v, want %+v", got, rejected)
	}
	if again := broker.RejectedRecord("rejected", 5, rejected); again.Partition != r.Partition || r.Partition < 0 || r.Partition > 4 {
		t.Errorf("one origin is in partitions %d and %d", r.Partition, again.Partition)
	}
	alien := &kgo.Record{Topic: "rejected", Partition: 3, Offset: 9, Value: []byte("x")}
	if got := broker.ParseRejected(alien); got.Origin != broker.TopicOrigin(alien) {
		t.Errorf("a record without an origin is its own origin: %+v", got)
	}
}

func TestE1_ARejectedRecordStaysBelowTheBrokersLimit(t *testing.T) {
	r := broker.RejectedRecord("rejected", 1, event.Rejected{Key: make([]byte, 1<<20), Value: make([]byte, 2<<20)})
	if size := len(r.Key) + len(r.Value); size >= 1_000_000 || len(r.Value) != broker.MaxRejectedValue {
		t.Errorf("%d bytes of key and value, %d of them value", size, len(r.Value))
	}
	got := broker.ParseRejected(r)
	for _, want := range []string{"of 2097152 bytes the first 900000 are kept", "of a key of 1048576 bytes"} {
		if !strings.Contains(got.Message, want) {
			t.Errorf("the message %q does not say %q", got.Message, want)
		}
	}
}
