package processor

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// reading turns records of the log into what a partition takes. It is used by
// one goroutine at a time.
type reading struct {
	partitions int32 // of the log
	decoder    event.Decoder
	headers    []event.Header
	event      event.Event // the last record's
}

// take passes one record to its partition.
func (in *reading) take(p *windows.Partition, r *kgo.Record) {
	switch {
	case r.Offset < p.Offset(): // read already
	case r.Attrs.IsControl():
		p.Skip(r.Offset)
	case r.Value == nil:
		if t, ok := in.tick(r); ok {
			p.Tick(t, r.Offset)
		} else {
			p.Skip(r.Offset)
		}
	default:
		received := event.MillisOf(r.Timestamp)
		rec := event.Record{Key: r.Key, Value: r.Value, Partition: r.Partition, Received: received}
		if err := in.decoder.ReadRecord(rec, in.partitions, &in.event); err != nil {
			p.Poison(r.Offset)
		} else {
			p.Event(&in.event, received, r.Offset)
		}
	}
}

// tick reads a record without a value.
func (in *reading) tick(r *kgo.Record) (event.Tick, bool) {
	if len(r.Key) > 0 {
		return event.Tick{}, false
	}
	in.headers = in.headers[:0]
	for _, h := range r.Headers {
		in.headers = append(in.headers, event.Header(h))
	}
	return event.ParseTick(in.headers)
}
