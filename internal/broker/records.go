package broker

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// MaxRejectedValue is how many bytes of a rejected record's value are kept;
// with its key and headers the record stays below what a broker takes by
// default, 1 MiB.
const MaxRejectedValue = 900_000

// maxRejectedKey bounds the key in the same way. A valid key is shorter.
const maxRejectedKey = 64 << 10

// Headers of a tick.
const (
	headerTick  = "tick"
	headerAfter = "after"
	headerQuiet = "quiet_ms"
)

// Headers of a rejected record.
const (
	headerReason    = "reason"
	headerField     = "field"
	headerMessage   = "message"
	headerKind      = "origin_kind"
	headerName      = "origin"
	headerRequest   = "origin_request"
	headerPartition = "origin_partition"
	headerPosition  = "origin_position"
)

// EventRecord is what a reader of the log checks and decodes of r. It shares
// r's memory.
func EventRecord(r *kgo.Record) event.Record {
	return event.Record{Key: r.Key, Value: r.Value, Partition: r.Partition, Received: event.MillisOf(r.Timestamp)}
}

// TickRecord is the record of a tick in a partition of the event log.
func TickRecord(topic string, partition int32, t event.Tick) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Headers: []kgo.RecordHeader{
		{Key: headerTick, Value: []byte("1")},
		{Key: headerAfter, Value: strconv.AppendInt(nil, t.After, 10)},
		{Key: headerQuiet, Value: strconv.AppendInt(nil, int64(t.Quiet), 10)},
	}}
}

// ParseTick reads a tick. Every reader skips any other record without a value.
func ParseTick(r *kgo.Record) (event.Tick, bool) {
	var t event.Tick
	if len(r.Key) > 0 || r.Value != nil {
		return t, false
	}
	var tick, after, quiet bool
	for _, h := range r.Headers {
		n, err := strconv.ParseInt(string(h.Value), 10, 64)
		if err != nil {
			continue
		}
		switch h.Key {
		case headerTick:
			tick = n == 1
		case headerAfter:
			t.After, after = n, n >= -1
		case headerQuiet:
			t.Quiet, quiet = event.Millis(n), n >= 0
		}
	}
	return t, tick && after && quiet
}

// RejectedRecord is the record of the rejected topic, which has so many
// partitions, for what was rejected. Bytes beyond MaxRejectedValue are cut off,
// and the message says so. The same origin is always in the same partition, so
// that a copy follows the one before it. The record shares l's memory.
func RejectedRecord(topic string, partitions int32, l event.Rejected) *kgo.Record {
	if n := len(l.Value); n > MaxRejectedValue {
		l.Message = fmt.Sprintf("%s (of %d bytes the first %d are kept)", l.Message, n, MaxRejectedValue)
		l.Value = l.Value[:MaxRejectedValue]
	}
	if n := len(l.Key); n > maxRejectedKey {
		l.Message = fmt.Sprintf("%s (of a key of %d bytes the first %d are kept)", l.Message, n, maxRejectedKey)
		l.Key = l.Key[:maxRejectedKey]
	}
	origin := fmt.Sprintf("%s\x00%s\x00%s\x00%d\x00%d", l.Kind, l.Name, l.Request, l.Origin.Partition, l.Position)
	return &kgo.Record{
		Topic: topic, Partition: event.Partition(origin, partitions), Timestamp: time.Now(),
		Key: l.Key, Value: l.Value,
		Headers: []kgo.RecordHeader{
			{Key: headerReason, Value: []byte(l.Reason)},
			{Key: headerField, Value: []byte(l.Field)},
			{Key: headerMessage, Value: []byte(l.Message)},
			{Key: headerKind, Value: []byte(l.Kind)},
			{Key: headerName, Value: []byte(l.Name)},
			{Key: headerRequest, Value: []byte(l.Request)},
			{Key: headerPartition, Value: strconv.AppendInt(nil, int64(l.Origin.Partition), 10)},
			{Key: headerPosition, Value: strconv.AppendInt(nil, l.Position, 10)},
		},
	}
}

// ParseRejected reads a record of the rejected topic. It never fails: what is
// in that topic is stored whatever its bytes (M2). A record without an origin
// is its own: the topic, partition and offset where it is.
func ParseRejected(r *kgo.Record) event.Rejected {
	l := event.Rejected{Key: r.Key, Value: r.Value}
	var hasName, hasPosition bool
	for _, h := range r.Headers {
		v := string(h.Value)
		switch h.Key {
		case headerReason:
			l.Reason = event.Reason(v)
		case headerField:
			l.Field = v
		case headerMessage:
			l.Message = v
		case headerKind:
			l.Kind = event.OriginKind(v)
		case headerName:
			l.Name, hasName = v, true
		case headerRequest:
			l.Request = v
		case headerPartition:
			n, _ := strconv.ParseInt(v, 10, 32)
			l.Origin.Partition = int32(n)
		case headerPosition:
			n, err := strconv.ParseInt(v, 10, 64)
			l.Position, hasPosition = n, err == nil
		}
	}
	if !hasName || !hasPosition || l.Kind == "" {
		l.Origin = TopicOrigin(r)
	}
	return l
}

// TopicOrigin is where a record of a topic came from.
func TopicOrigin(r *kgo.Record) event.Origin {
	return event.Origin{Kind: event.OriginTopic, Name: r.Topic, Partition: r.Partition, Position: r.Offset}
}
