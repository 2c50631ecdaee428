package ingest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

func TestE1_OnlyValidEventsGetOntoTheLog(t *testing.T) {
	cfg, p := newPipeline(t)
	ctx := testwait.Context(t)
	deep := aView()
	deep.Properties = `{"a":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`
	long := aView()
	long.PageURL, long.Properties = strings.Repeat("\x01", 8<<10), `{"a":"`+strings.Repeat("x", 8000)+`"}`
	long.ProductCategory, long.Brand, long.OrderID = strings.Repeat("\x01", 256), strings.Repeat("\x01", 256), strings.Repeat("\x01", 256)
	long.Currency, long.DeviceType, long.Source = long.Brand, long.Brand, long.Brand
	long.ID, long.UserID, long.ProductID = strings.Repeat("\x01", 128), strings.Repeat("\x01", 128), strings.Repeat("\x01", 128)
	noUTF8 := aView()
	noUTF8.ProductID = "p\xff"
	noID := aView()
	noID.ID = ""
	for want, e := range map[event.Reason]event.Event{
		event.ReasonBadJSON: deep, event.ReasonTooLong: long, event.ReasonBadEncoding: noUTF8, event.ReasonMissingField: noID,
	} {
		err := p.Append(ctx, &e)
		if bad, ok := errors.AsType[*event.Rejection](err); !ok || bad.Reason != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	good := aView()
	if err := p.Append(ctx, &good); err != nil {
		t.Fatal(err)
	}
	good.ProductID = "changed after Append"
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := brokertest.Events(t, cfg); len(got) != 1 || got[0].ProductID != "p1" {
		t.Errorf("on the log is %+v", got)
	}
}

func TestE1_RejectedRecordsKeepBytesReasonAndOrigin(t *testing.T) {
	cfg, p := newPipeline(t)
	ctx := testwait.Context(t)
	want := event.Rejected{
		Value:     []byte("\x00\xff not an event"),
		Rejection: event.Rejection{Reason: event.ReasonBadRow, Field: "f", Message: "m"},
		Origin:    event.Origin{Kind: event.OriginFile, Name: "a.csv", Position: 17},
	}
	huge := want
	huge.Value = make([]byte, 5<<20)
	huge.Position = 18
	for _, l := range []event.Rejected{want, huge} {
		if err := p.Reject(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got := brokertest.Rejected(t, cfg)
	if len(got) != 2 {
		t.Fatalf("%d rejected records, want 2", len(got))
	}
	for _, l := range got {
		switch l.Position {
		case 17:
			if string(l.Value) != string(want.Value) || l.Rejection != want.Rejection || l.Origin != want.Origin {
				t.Errorf("got %+v, want %+v", l, want)
			}
		case 18:
			if len(l.Value) != broker.MaxRejectedValue || !strings.Contains(l.Message, "of 5242880 bytes") {
				t.Errorf("a huge one keeps %d bytes, message %q", len(l.Value), l.Message)
			}
		}
	}
}

func TestE1_WaitReturnsOnlyWhenAllIsAcknowledged(t *testing.T) {
	_, p := newPipeline(t)
	ctx := testwait.Context(t)
	batch := p.Batch()
	e := aView()
	sent := int64(0)
	for i := range 100 {
		for range i%7 + 1 {
			if err := batch.Append(ctx, &e); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		if err := batch.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		if acked, _ := batch.counts(); acked != sent {
			t.Fatalf("Wait returned with %d of %d acknowledged", acked, sent)
		}
	}
}

// On a broker that keeps the producer's time, the receive times of a partition
// never go back, whatever the clock does.
func TestReceiveTimesDoNotGoBackWithTheClock(t *testing.T) {
	config := brokertest.Config(t)
	brokertest.OwnReceiveTimes(t, config)
	cl := brokertest.OpenAt(t, config)
	p := testProducer(t, cl)
	ctx := testwait.Context(t)
	start := time.Now().Truncate(time.Millisecond)
	var want []time.Duration
	for _, step := range []struct{ clock, stamp time.Duration }{
		{0, 0}, {time.Second, time.Second}, {-time.Hour, time.Second}, {500 * time.Millisecond, time.Second}, {2 * time.Second, 2 * time.Second},
	} {
		p.now = func() time.Time { return start.Add(step.clock) }
		e := aView()
		if err := p.Append(ctx, &e); err != nil {
			t.Fatal(err)
		}
		want = append(want, step.stamp)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	ends, err := cl.EndOffsets(ctx, cl.Topics().Events)
	if err != nil {
		t.Fatal(err)
	}
	var got []time.Duration
	if err := cl.ReadLog(ctx, cl.Topics().Events, nil, ends, func(r *kgo.Record) error {
		got = append(got, r.Timestamp.Sub(start))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("receive times after the start are %v, want %v", got, want)
	}
}
