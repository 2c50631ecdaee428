package backtest

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// Source is where the records of past days are read.
type Source struct {
	Name string // for people: "log" or "table"
	// Cut says that it lacks records of some partition that may count in windows that
	// were asked for.
	Cut      bool
	Portions []Portion
	// Read passes the records of a portion to p in the order of their offsets, until
	// p says that it needs no more. Several goroutines call it, for a portion each.
	Read func(ctx context.Context, portion Portion, p *Partition) error
}

// Portion is what is to be read of a partition.
type Portion struct {
	Partition int32
	From, To  int64 // offsets: the first one, and the one after the last
	Records   int64 // about how many there are
	// Cut says that records before From are missing that may count in windows that
	// were asked for: the first windows are not judged then (W6).
	Cut bool
}

// Log is the event log as a Source for windows that begin in the span. It says
// whether the log holds all that they need.
func Log(ctx context.Context, cl *broker.Client, span Span) (s Source, whole bool, err error) {
	topic := cl.Topics().Events
	starts, err := cl.StartOffsets(ctx, topic)
	if err != nil {
		return s, false, err
	}
	froms := starts
	if span.From != nil {
		if froms, err = cl.OffsetsSince(ctx, topic, span.readFrom().Time()); err != nil {
			return s, false, err
		}
	}
	ends, err := cl.EndOffsets(ctx, topic)
	if err != nil {
		return s, false, err
	}
	s = Source{Name: "log"}
	for n, end := range ends {
		// What retention has deleted before the first record may have been
		// received in time, unless an older record is still there.
		cut := starts[n] > 0 && froms[n] <= starts[n]
		s.Cut = s.Cut || cut
		if froms[n] < end {
			s.Portions = append(s.Portions, Portion{Partition: n, From: froms[n], To: end, Records: end - froms[n], Cut: cut})
		}
	}
	partitions := int32(len(ends))
	s.Read = func(ctx context.Context, portion Portion, p *Partition) error {
		in := reading{partitions: partitions}
		n := portion.Partition
		err := cl.ReadLog(ctx, topic, broker.Offsets{n: portion.From}, broker.Offsets{n: portion.To}, func(r *kgo.Record) error {
			if !in.take(p, r) {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
	return s, !s.Cut, nil
}

// errEnough ends the reading of a partition of which no more is needed.
var errEnough = errors.New("no more is needed")

// reading turns records of the log into what a Partition takes.
type reading struct {
	partitions int32 // of the log
	decoder    event.Decoder
	event      event.Event
}

// take passes a record to p and says whether more is needed.
func (in *reading) take(p *Partition, r *kgo.Record) bool {
	if r.Value == nil {
		if t, ok := broker.ParseTick(r); ok {
			return p.tick(t, r.Offset)
		}
		return true // a change of rules, or nothing of ours
	}
	rec := broker.EventRecord(r)
	if err := in.decoder.ReadRecord(rec, in.partitions, &in.event); err != nil {
		return p.invalid(r.Offset)
	}
	return p.Event(&in.event, rec.Received, r.Offset)
}
