package processor

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// reading turns records of the log into what a partition takes. It is used by
// one goroutine at a time.
type reading struct {
	partitions int32 // of the log
	decoder    event.Decoder
	event      event.Event // the last record's
}

// take passes one record to its partition.
func (in *reading) take(p *windows.Partition, r *kgo.Record) {
	switch {
	case r.Offset < p.Offset(): // read already
	case r.Attrs.IsControl():
		p.Skip(r.Offset)
	case r.Value == nil:
		if t, ok := broker.ParseTick(r); ok {
			p.Tick(t, r.Offset)
		} else {
			p.Skip(r.Offset)
		}
	default:
		rec := broker.EventRecord(r)
		if err := in.decoder.ReadRecord(rec, in.partitions, &in.event); err != nil {
			p.Invalid(r.Offset)
		} else {
			p.Event(&in.event, rec.Received, r.Offset)
		}
	}
}
