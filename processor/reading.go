package processor

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/windows"
)

// reading turns records of the log into what a partition takes. It is used by
// one goroutine at a time.
type reading struct {
	partitions int32     // of the log
	sets       *ruleSets // nil: changes of rules are passed over
	decoder    event.Decoder
	event      event.Event // the last record's
}

// take passes one record to its partition. It is not taken where it is a change of
// rules whose set is not known: then the error is errUnknownSet.
func (in *reading) take(p *windows.Partition, r *kgo.Record) error {
	switch {
	case r.Offset < p.Offset(): // read already
	case r.Attrs.IsControl():
		p.Skip(r.Offset)
	case r.Value == nil:
		return in.takeControl(p, r)
	default:
		rec := broker.EventRecord(r)
		if err := in.decoder.ReadRecord(rec, in.partitions, &in.event); err != nil {
			p.Invalid(r.Offset)
		} else {
			p.Event(&in.event, rec.Received, r.Offset)
		}
	}
	return nil
}

// takeControl passes a record without a value on: a tick, a change of rules, or
// nothing that means something.
func (in *reading) takeControl(p *windows.Partition, r *kgo.Record) error {
	if t, ok := broker.ParseTick(r); ok {
		p.Tick(t, r.Offset)
		return nil
	}
	change, ok := broker.ParseRules(r)
	if !ok || in.sets == nil {
		p.Skip(r.Offset)
		return nil
	}
	set, err := in.sets.lookup(change.Hash)
	if err != nil {
		return fmt.Errorf("%s-%d from offset %d on: %w", r.Topic, r.Partition, r.Offset, err)
	}
	p.Rules(set, r.Offset)
	return nil
}
