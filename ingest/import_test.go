package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

var samples = []string{"formats/testdata/categories.csv", "formats/testdata/cosmetics.csv", "formats/testdata/native.jsonl"}

// importFiles is an import from its beginning to its end.
func importFiles(ctx context.Context, opts Options, p *Producer) (Report, error) {
	im, err := OpenImport(ctx, opts)
	if err != nil {
		return Report{}, err
	}
	defer im.Close()
	return im.Run(ctx, p)
}

func TestE1_BadRowsAreCountedAndKeptWithTheirLine(t *testing.T) {
	cfg, p := newPipeline(t)
	var last Progress
	report, err := importFiles(testwait.Context(t), Options{Paths: samples, Progress: func(p Progress) { last = p }}, p)
	if err != nil {
		t.Fatal(err)
	}
	wantReasons := map[event.Reason]int64{
		event.ReasonBadRow: 2, event.ReasonBadTime: 2, event.ReasonBadPrice: 1, event.ReasonMissingField: 2,
		event.ReasonBadEventType: 1, event.ReasonBadJSON: 1,
	}
	if report.Read != 24 || report.Accepted != 15 || report.Rejected != 9 || !maps.Equal(byReason(report), wantReasons) {
		t.Errorf("report is %+v", report)
	}
	if len(report.Files) != 3 || report.Files[1].Format != "rees46" || report.Files[2].Format != "native" || report.Files[2].Read != 7 {
		t.Errorf("files are %+v", report.Files)
	}
	if last.Read != 24 || last.Bytes != last.TotalBytes || last.TotalBytes == 0 {
		t.Errorf("the last progress is %+v", last)
	}
	if got := brokertest.Events(t, cfg); len(got) != 15 {
		t.Errorf("%d events on the log, want 15", len(got))
	}
	var got []string
	for _, l := range brokertest.Rejected(t, cfg) {
		got = append(got, fmt.Sprintf("%s:%d %s %s", l.Name, l.Position, l.Reason, l.Field))
		if l.Kind != event.OriginFile {
			t.Errorf("%+v is not from a file", l)
		}
		if l.Position == 6 && string(l.Value) != "not JSON" {
			t.Errorf("line 6 is kept as %q", l.Value)
		}
	}
	slices.Sort(got)
	want := []string{
		"formats/testdata/categories.csv:10 bad_time event_time",
		"formats/testdata/categories.csv:11 bad_price price",
		"formats/testdata/categories.csv:12 missing_field product_id",
		"formats/testdata/categories.csv:13 bad_row ",
		"formats/testdata/categories.csv:14 bad_event_type event_type",
		"formats/testdata/categories.csv:9 bad_row ",
		"formats/testdata/native.jsonl:4 bad_time timestamp",
		"formats/testdata/native.jsonl:5 missing_field product_id",
		"formats/testdata/native.jsonl:6 bad_json ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rejected are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// byReason is how many rows were rejected for each reason.
func byReason(r Report) map[event.Reason]int64 {
	n := make(map[event.Reason]int64)
	for reason, rows := range r.Rejections {
		n[reason] = rows.Count
	}
	return n
}

func TestI4_ImportingTwiceAddsNoIdentity(t *testing.T) {
	cfg, p := newPipeline(t)
	ctx := testwait.Context(t)
	moved := filepath.Join(t.TempDir(), "other name.csv")
	content, err := os.ReadFile(samples[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(moved, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []Options{
		{Paths: samples},
		{Paths: []string{samples[2], samples[1], moved}, Source: "another"},
	} {
		if _, err := importFiles(ctx, opts, p); err != nil {
			t.Fatal(err)
		}
	}
	events := brokertest.Events(t, cfg)
	if ids := identities(events); len(events) != 30 || len(ids) != 15 {
		t.Errorf("%d events with %d identities on the log, want 30 with 15", len(events), len(ids))
	}
	sources := make(map[string]int)
	for _, e := range events {
		sources[e.Source]++
	}
	if want := map[string]int{"rees46": 11, "native": 4, "another": 15}; !maps.Equal(sources, want) {
		t.Errorf("sources are %v, want %v", sources, want)
	}
}

func TestNothingIsImportedIfAFileIsWrong(t *testing.T) {
	cfg, p := newPipeline(t)
	dir := t.TempDir()
	other := filepath.Join(dir, "other.csv")
	if err := os.WriteFile(other, []byte("id,name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := importFiles(testwait.Context(t), Options{Paths: []string{samples[0], t.TempDir(), filepath.Join(dir, "missing"), other}}, p)
	for _, want := range []string{"the folder has no file of events", "no such file", "a file of no known format"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if got := brokertest.Events(t, cfg); len(got) != 0 {
		t.Errorf("%d events were imported", len(got))
	}
}

func TestStandardInputIsRead(t *testing.T) {
	cfg, p := newPipeline(t)
	f, err := os.Open(samples[2])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	report, err := importFiles(testwait.Context(t), Options{Paths: []string{"-"}, Stdin: f}, p)
	if err != nil || report.Read != 7 || report.Files[0].Path != "stdin" {
		t.Fatal(report, err)
	}
	if l := brokertest.Rejected(t, cfg); len(l) != 3 || l[0].Name != "stdin" {
		t.Errorf("rejected are %+v", l)
	}
}

func TestAStoppedImportSaysWhatIsIn(t *testing.T) {
	cfg, p := newPipeline(t)
	ctx, cancel := context.WithCancel(testwait.Context(t))
	r, w := io.Pipe()
	defer w.Close()
	row := `{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u%d"}` + "\n"
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		var rows strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&rows, row, i)
		}
		io.WriteString(w, rows.String())
		// All is read now, and more is waited for.
		cancel()
	}()
	report, err := importFiles(ctx, Options{Paths: []string{"-"}, Stdin: r, Order: AsRead}, p)
	<-wrote
	if !errors.Is(err, context.Canceled) || report.Read != report.Accepted {
		t.Errorf("report is %+v, error %v", report, err)
	}
	if got := brokertest.Events(t, cfg); int64(len(got)) != report.Accepted {
		t.Errorf("%d events on the log, the report says %d", len(got), report.Accepted)
	}
	r.Close() // wakes the read that was let go of
}
