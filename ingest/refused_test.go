package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

// tooLarge is an event that such a log does not take: its text does not pack.
func tooLarge() string {
	noise := make([]byte, 0, 8000)
	for i := uint32(1); len(noise) < cap(noise); i = i*1664525 + 1013904223 {
		noise = append(noise, 'a'+byte(i>>24)%26)
	}
	return strings.Replace(goodEvent, `"user_id"`, `"properties":{"text":"`+string(noise)+`"},"user_id"`, 1)
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
