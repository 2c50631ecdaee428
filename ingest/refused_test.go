package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// smallLog is a broker whose event log takes no record above 2,000 bytes.
func smallLog(t *testing.T) *broker.Client {
	t.Helper()
	config := brokertest.Config(t)
	brokertest.EventLog(t, config, map[string]*string{"max.message.bytes": new("2000")})
	return brokertest.OpenAt(t, config)
}

// tooLarge is an event that such a log does not take.
func tooLarge() string {
	return strings.Replace(goodEvent, `"user_id"`, `"properties":{"text":"`+noise(8000)+`"},"user_id"`, 1)
}

// noise is text that does not pack.
func noise(n int) string {
	text := make([]byte, 0, n)
	for i := uint32(1); len(text) < n; i = i*1664525 + 1013904223 {
		text = append(text, 'a'+byte(i>>24)%26)
	}
	return string(text)
}

// checkRefused wants the given events on the log and no other, and one rejected
// as refused, with its original bytes.
func checkRefused(t *testing.T, cl *broker.Client, original, origin string, want int) {
	t.Helper()
	if ids := identities(brokertest.Events(t, cl)); len(ids) != want {
		t.Errorf("%d events are on the log, want %d", len(ids), want)
	}
	var got []string
	for _, r := range brokertest.Rejected(t, cl) {
		if string(r.Value) != original {
			t.Errorf("the rejected record holds %.80q, want the original bytes", r.Value)
		}
		got = append(got, fmt.Sprintf("%s %s %d %s", r.Kind, strings.TrimPrefix(filepath.Base(r.Name), cl.Config().TopicPrefix), r.Position, r.Reason))
	}
	if want := []string{origin + " " + string(event.ReasonRefused)}; !slices.Equal(got, want) {
		t.Errorf("rejected are %q, want %q", got, want)
	}
}

func TestE1_ARecordThatTheBrokerNeverTakesDoesNotEndTheNormaliser(t *testing.T) {
	cl := smallLog(t)
	p := testProducer(t, cl)
	values := views(200)
	values[17] = []byte(tooLarge())
	produceInbound(t, cl, values...)
	n := startNormaliser(t, cl, p)
	waitNormalised(t, cl)
	n.Stop()
	if got, want := n.Stats(), (NormaliserStats{Read: 200, Accepted: 199, Rejected: 1}); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
	checkRefused(t, cl, tooLarge(), "topic ecom_clickstream_data 1", 199)
}

func TestE1_ARowThatTheBrokerNeverTakesDoesNotEndAnImport(t *testing.T) {
	cl := smallLog(t)
	p := testProducer(t, cl)
	dir := t.TempDir()
	var paths []string
	for i, rows := range [][][]byte{slices.Concat(views(300), [][]byte{[]byte(tooLarge())}, views(10)), views(20)} {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)))
		var text []byte
		for _, row := range rows {
			text = append(append(text, row...), '\n')
		}
		if err := os.WriteFile(paths[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report, err := importFiles(testwait.Context(t), Options{Paths: paths}, p)
	if err != nil {
		t.Fatal(err)
	}
	if report.Read != 331 || report.Accepted != 330 || report.Rejected != 1 || byReason(report)[event.ReasonRefused] != 1 {
		t.Errorf("report is %+v", report)
	}
	checkRefused(t, cl, tooLarge(), "file 0.jsonl 301", 310)
}

// produceRequests counts what a producer sends.
type produceRequests struct{ atomic.Int64 }

func (n *produceRequests) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.Produce) {
		n.Add(1)
	}
}

// All of a batch is refused with one of its events; to send each of them again
// by itself would take a linger for each.
func TestE1_ARefusedEventIsFoundAmongManyWithFewRequests(t *testing.T) {
	config := brokertest.Config(t)
	brokertest.EventLog(t, config, map[string]*string{"max.message.bytes": new("20000")})
	cl := brokertest.OpenAt(t, config)
	var sent produceRequests
	p, err := NewProducer(testwait.Context(t), cl, zerolog.Nop(), kgo.ProducerLinger(20*time.Millisecond), kgo.WithHooks(&sent))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := testwait.Context(t)
	b := p.settlingBatch()
	const events, large = 300, 123
	for i := range events {
		e := event.Event{ID: fmt.Sprint("e", i), Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), SessionID: "s", ProductID: "p", Quantity: 1}
		if i == large {
			e.Properties = `{"text":"` + noise(30_000) + `"}`
		}
		if err := b.append(ctx, &e, place{index: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var rejected []int64
	err = b.settle(ctx, func(from place, _ event.Rejection) error {
		rejected = append(rejected, from.index)
		return nil
	})
	if err != nil || !slices.Equal(rejected, []int64{large}) {
		t.Errorf("got %v, rejected %v, want event %d", err, rejected, large)
	}
	if n := len(identities(brokertest.Events(t, cl))); n != events-1 {
		t.Errorf("%d events are on the log, want %d", n, events-1)
	}
	if n := sent.Load(); n > 60 {
		t.Errorf("%d requests were sent for %d events", n, events)
	}
}

// smallRejected is a broker whose rejected topic takes no record above 2,000
// bytes.
func smallRejected(t *testing.T) *broker.Client {
	t.Helper()
	cl := brokertest.Open(t)
	if _, err := kadm.NewClient(cl.Client).CreateTopic(t.Context(), broker.DefaultPartitions, -1,
		map[string]*string{"max.message.bytes": new("2000")}, cl.Topics().Rejected); err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestE1_WhatTheRejectedTopicDoesNotTakeIsNotCommitted(t *testing.T) {
	cl := smallRejected(t)
	p := testProducer(t, cl)
	produceInbound(t, cl, []byte(noise(8000)))
	n := startNormaliser(t, cl, p)
	err := n.Wait()
	for _, want := range []string{cl.Topics().Rejected, "max.message.bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the normaliser ended with %v, want it to name %s", err, want)
		}
	}
	committed, err := kadm.NewClient(cl.Client).FetchOffsets(testwait.Context(t), cl.Group("normaliser"))
	if err != nil {
		t.Fatal(err)
	}
	committed.Each(func(o kadm.OffsetResponse) {
		if o.At > 0 {
			t.Errorf("offset %d of partition %d is committed", o.At, o.Partition)
		}
	})
}

func TestI1_ARejectionThatIsNotTakenRefusesNoOtherRequest(t *testing.T) {
	c, err := NewCollector(CollectorConfig{Producer: testProducer(t, smallRejected(t)), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.listener.Close()
	for _, r := range []struct {
		body string
		want int
	}{{`{"x":"` + noise(8000) + `"}`, 503}, {goodEvent, 200}} {
		w := httptest.NewRecorder()
		c.events(w, httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(r.body)))
		if w.Code != r.want {
			t.Errorf("%.20s is answered with %d %s, want %d", r.body, w.Code, w.Body, r.want)
		}
	}
}
