package simulation_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows/windowstest"
)

// check compares the alerts topic with what the plain model makes of the log.
func (w *world) check(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil && p != any(found{}) {
			panic(p)
		}
	}()
	w.events, w.ticks, w.changes, w.alerts, w.final = 0, 0, 0, 0, 0
	logs := make([][]windowstest.Record, w.load.partitions)
	alerts := make([][]event.Alert, w.load.partitions)
	var d event.Decoder
	w.read(ctx, w.observer.Topics().Events, func(r *kgo.Record) error {
		rec := windowstest.Record{Offset: r.Offset, Kind: windowstest.IsNothing}
		if r.Value != nil {
			rec.Kind, rec.Received = windowstest.IsEvent, event.MillisOf(r.Timestamp)
			if err := d.ReadRecord(broker.EventRecord(r), w.load.partitions, &rec.Event); err != nil {
				rec.Kind = windowstest.IsInvalid
			}
			w.events++
		} else if t, ok := broker.ParseTick(r); ok {
			rec.Kind, rec.Tick = windowstest.IsTick, t
			w.ticks++
		} else if c, ok := broker.ParseRules(r); ok && !(w.options.oneSet && c.Hash != sets[0].Hash()) {
			rec.Kind, rec.Set = windowstest.IsRules, setOf(c.Hash)
			w.changes++
		}
		logs[r.Partition] = append(logs[r.Partition], rec)
		return nil
	})
	w.read(ctx, w.observer.Topics().Alerts, func(r *kgo.Record) error {
		a, err := event.DecodeAlert(r.Value)
		if err == nil && r.Partition != event.Partition(a.ProductID, w.load.partitions) {
			err = fmt.Errorf("%v is in partition %d", a, r.Partition)
		}
		if err == nil {
			w.alerts++
			alerts[r.Partition] = append(alerts[r.Partition], a)
		}
		return err
	})
	for n := range logs {
		emitted := windowstest.NewEmitted(noting{w.t, w}, windowstest.Model{Set: rules.Default(), Log: logs[n]})
		emitted.Add(alerts[n])
		emitted.Finish()
		for _, a := range emitted.Latest() {
			w.final++
			if a.Status == event.Firing {
				w.Errorf("partition %d is quiet, and %v is still firing", n, a)
			}
		}
	}
}

func (w *world) read(ctx context.Context, topic string, fn func(*kgo.Record) error) {
	ends, err := w.observer.EndOffsets(ctx, topic)
	if err == nil {
		err = w.observer.ReadLog(ctx, topic, nil, ends, fn)
	}
	if err != nil {
		w.Errorf("read topic %s: %v", topic, err)
		panic(found{})
	}
}

// found ends a check that has found something wrong.
type found struct{}

// noting is a test that goes on after Fatalf: the run has to end in order.
type noting struct {
	testing.TB
	w *world
}

func (n noting) Fatalf(format string, args ...any) {
	n.w.Errorf(format, args...)
	panic(found{})
}
