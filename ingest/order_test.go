package ingest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// rowAt is a view of one product some seconds after a fixed time, as a native row.
func rowAt(second int) string {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
	return fmt.Sprintf(`{"event_type":"view","timestamp":%q,"user_id":"u%d","product_id":"p"}`, at.Format(time.RFC3339), second%7)
}

func fileOf(t *testing.T, name string, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rows are n native rows, each some seconds after the one before.
func rows(n, apart int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = rowAt(i * apart)
	}
	return all
}

func shuffled(rows []string) []string {
	rows = slices.Clone(rows)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

// logged imports files into a log of their own and returns the events, which have
// one key and so are in the order of the log.
func logged(t *testing.T, opts Options) (Report, []event.Event) {
	t.Helper()
	log, p := newPipeline(t)
	report, err := importFiles(testwait.Context(t), opts, p)
	if err != nil {
		t.Fatal(err)
	}
	return report, brokertest.Events(t, log)
}

func inOrder(events []event.Event) bool {
	return slices.IsSortedFunc(events, func(a, b event.Event) int { return int(a.Timestamp - b.Timestamp) })
}

func TestI4_AShuffledFileIsOnTheLogAsItsSortedOneIs(t *testing.T) {
	all := append(rows(3000, 10), rowAt(50), rowAt(50)) // equal rows too
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	plain, want := logged(t, Options{Paths: []string{fileOf(t, "sorted.jsonl", sorted...)}})
	if plain.Sorted || plain.Disorder != 0 || !inOrder(want) || len(want) != len(all) {
		t.Fatalf("the sorted file: %+v", plain)
	}
	mixed := shuffled(all)
	for name, opts := range map[string]Options{
		"a file":         {Paths: []string{fileOf(t, "mixed.jsonl", mixed...)}},
		"two files":      {Paths: []string{fileOf(t, "a.jsonl", mixed[:1000]...), fileOf(t, "b.jsonl", mixed[1000:]...)}},
		"standard input": {Paths: []string{"-"}, Stdin: strings.NewReader(strings.Join(mixed, "\n"))},
	} {
		opts.Source = "native"
		report, got := logged(t, opts)
		if !report.Sorted || report.Disorder < time.Hour || report.Accepted != int64(len(all)) {
			t.Errorf("%s: %+v", name, report)
		}
		if !inOrder(got) || len(got) != len(want) {
			t.Errorf("%s: the log is not in the order of time", name)
		}
		// Equal rows are numbered by file, so two files hold rows with equal ids.
		if name != "two files" && !maps.Equal(identities(got), identities(want)) {
			t.Errorf("%s: the identities differ from those of the sorted file", name)
		}
	}
}

func TestFilesInTheWrongOrderAreAppendedTheOldestFirst(t *testing.T) {
	all := rows(300, 1)
	paths := []string{fileOf(t, "3.jsonl", all[200:]...), fileOf(t, "1.jsonl", all[:100]...), fileOf(t, "2.jsonl", all[100:200]...)}
	report, got := logged(t, Options{Paths: paths})
	if report.Sorted || !inOrder(got) || len(got) != 300 {
		t.Errorf("%+v, %d events, in order %t", report, len(got), inOrder(got))
	}
}

// Less disorder than the lateness makes no event late, so nothing is sorted.
func TestDisorderWithinTheLatenessStays(t *testing.T) {
	path := fileOf(t, "a.jsonl", rowAt(0), rowAt(100), rowAt(45))
	for lateness, want := range map[time.Duration]bool{0: false, 55 * time.Second: false, 54 * time.Second: true} {
		report, got := logged(t, Options{Paths: []string{path}, Lateness: lateness})
		if report.Sorted != want || report.Disorder != 55*time.Second || inOrder(got) != want {
			t.Errorf("lateness %s: %+v", lateness, report)
		}
	}
	if report, got := logged(t, Options{Paths: []string{path}, Lateness: time.Second, Order: AsRead}); report.Sorted || inOrder(got) {
		t.Errorf("in the order of the file: %+v", report)
	}
}

func TestE1_RowsAreRejectedOnTheWayThroughASort(t *testing.T) {
	log := smallLog(t)
	p := testProducer(t, log)
	path := fileOf(t, "a.jsonl", rowAt(5000), "not JSON", tooLarge(), rowAt(0))
	report, err := importFiles(testwait.Context(t), Options{Paths: []string{path}}, p)
	if err != nil || !report.Sorted || report.Read != 4 || report.Accepted != 2 || report.Rejected != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	var got []string
	for _, r := range brokertest.Rejected(t, log) {
		got = append(got, fmt.Sprintf("%s %d", r.Reason, r.Position))
	}
	slices.Sort(got)
	if want := []string{"bad_json 2", "refused 3"}; !slices.Equal(got, want) {
		t.Errorf("rejected are %q, want %q", got, want)
	}
}

func TestACutOffFileGivesItsWholeRows(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(strings.Join(rows(5000, 1), "\n"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.gz")
	if err := os.WriteFile(path, packed.Bytes()[:packed.Len()/2], 0o600); err != nil {
		t.Fatal(err)
	}
	report, got := logged(t, Options{Paths: []string{path}})
	if report.Read == 0 || report.Read >= 5000 || report.Accepted != report.Read || len(got) != int(report.Read) {
		t.Errorf("%+v, %d events", report, len(got))
	}
	if want := fmt.Sprintf("the packed file is cut off after line %d", report.Read); report.Files[0].Damaged != want {
		t.Errorf("damage is %q, want %q", report.Files[0].Damaged, want)
	}
}

func TestTheWrongFileIsNotImported(t *testing.T) {
	bad := rows(1500, 1)
	for i := range 20 {
		bad[i*5] = "not JSON"
	}
	noEvent := fileOf(t, "none.jsonl", `{"event_type":"view","timestamp":"yesterday"}`, `{"event_type":"","timestamp":"2026-11-01T00:00:00Z"}`)
	late := fileOf(t, "late.jsonl", append(rows(1480, 1), bad[:100]...)...)
	mostly := fileOf(t, "mostly.jsonl", bad...)
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{Paths: []string{fileOf(t, "empty.jsonl")}}, "the files hold no rows"},
		{Options{Paths: []string{noEvent}}, "no row is an event: all 2 are rejected"},
		{Options{Paths: []string{mostly}, MaxRejected: 0.01}, "20 of the first 1000 rows are rejected, more than the limit of 1%"},
		{Options{Paths: []string{late}, MaxRejected: 0.012}, "20 of the first 1580 rows are rejected, more than the limit of 1.2%"},
		{Options{Paths: []string{mostly}, MaxRejected: 0.01, Order: AsRead}, "20 of the first 1000 rows"},
		{Options{Paths: []string{mostly}, MaxRejected: 2}, "from 0 to 1"},
	} {
		log, p := newPipeline(t)
		_, err := importFiles(testwait.Context(t), c.opts, p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.opts, err, c.want)
		}
		if n := len(brokertest.Events(t, log)); (n > 0) != (c.opts.Order == AsRead) {
			t.Errorf("%+v: %d events were imported", c.opts, n)
		}
	}
	if report, got := logged(t, Options{Paths: []string{mostly}, MaxRejected: 0.02}); report.Rejected != 20 || len(got) != 1480 {
		t.Errorf("%+v", report)
	}
}

func TestASurveySaysWhatAFileHolds(t *testing.T) {
	path := fileOf(t, "a.jsonl", rowAt(100), rowAt(0), "not JSON", `{"event_type":"page","timestamp":"2026-11-01T00:00:50Z","session_id":"s"}`)
	im, err := OpenImport(testwait.Context(t), Options{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	f := im.Survey().Files[0]
	if f.Format != "native" || f.Read != 4 || f.Valid() != 3 || !maps.Equal(f.Types, map[string]int64{"view": 2, "page": 1}) ||
		f.Disorder != 100*time.Second || f.Last.Sub(f.First) != 100*time.Second {
		t.Errorf("%+v", f)
	}
	rejected := f.Rejected[event.ReasonBadJSON]
	if rejected == nil || rejected.Count != 1 || rejected.First[0].Line != 3 || string(rejected.First[0].Row) != "not JSON" {
		t.Errorf("rejected are %+v", rejected)
	}
	if _, err := OpenImport(testwait.Context(t), Options{}); err == nil {
		t.Error("no file was opened without an error")
	}
}
