package cli

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/ingest"
	"clickstream/internal/instance/shoptest"
)

// shopRows are the header and the rows of the test's shop.
func shopRows(t *testing.T) (header string, rows []string) {
	t.Helper()
	content, err := os.ReadFile("testdata/shop.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return lines[0], lines[1:]
}

func tempFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestI4_AShuffledFileGivesTheAlertsOfItsSortedOne(t *testing.T) {
	header, rows := shopRows(t)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	csv := func(rows []string) string { return tempFile(t, "rows.csv", header+"\n"+strings.Join(rows, "\n")) }
	one := csv(rows)
	// Equal rows of two files count once, so the split ones have none.
	distinct := slices.Compact(slices.Sorted(slices.Values(rows)))
	all := csv(distinct)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(distinct), func(i, j int) { distinct[i], distinct[j] = distinct[j], distinct[i] })
	half := len(distinct) / 2
	for want, files := range map[string][]string{"testdata/shop.csv": {one}, all: {csv(distinct[half:]), csv(distinct[:half])}} {
		found := analyzed(t, append([]string{"--views-over", "10"}, files...)...)
		if found.Events.Late != 0 {
			t.Errorf("%d late events", found.Events.Late)
		}
		shoptest.SameAlerts(t, alertsOf(found), shoptest.BruteForce(shoptest.Rows(t, want), 10, 5))
	}
	status, out, errOut := run(t, "analyze", "--views-over", "10", one)
	if status != exitDone || !strings.Contains(out, "out of order, and were sorted by time") {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
}

func TestAFileWithoutAnEventIsRefusedBeforeAnythingIsStarted(t *testing.T) {
	for want, content := range map[string]string{
		"the files hold no rows": "",
		"all 2 are rejected":     "event_time,event_type,product_id,price,user_id,user_session\nyesterday,view,1,1,7,s\ntoday,view,1,1,7,s\n",
	} {
		folder := filepath.Join(t.TempDir(), "none")
		for _, args := range [][]string{{"analyze", "--data-dir", folder}, {"ingest", "file", "--data-dir", folder}, {"ingest", "inspect"}} {
			status, _, errOut := run(t, append(args, tempFile(t, "clicks.csv", content))...)
			if status != exitFailed || !strings.Contains(errOut, want) {
				t.Errorf("%v: status %d, said %q, want %q", args, status, errOut, want)
			}
		}
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Error("the folder was made")
		}
	}
}

func TestTheFirstRejectedRowsAreShown(t *testing.T) {
	status, out, errOut := run(t, "analyze", "testdata/bad.csv")
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errOut)
	}
	for _, want := range []string{
		"Rejected rows: 4\n", "  1 bad_time\n", `testdata/bad.csv, line 10: event_time: "yesterday" is not a time`, "      yesterday,view,1000000,5.50,512300001,s-1\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	folder := filepath.Join(t.TempDir(), "none")
	status, _, errOut = run(t, "ingest", "file", "--max-rejected", "1%", "--data-dir", folder, "testdata/bad.csv")
	if status != exitFailed || !strings.Contains(errOut, "4 of the first 34 rows are rejected, more than the limit of 1%") || !strings.Contains(errOut, "Rejected rows: 4") {
		t.Errorf("status %d, said %q", status, errOut)
	}
	if status, _, errOut = run(t, "ingest", "file", "--max-rejected", "2", "testdata/bad.csv"); status != exitUsage || !strings.Contains(errOut, "such as 1%") {
		t.Errorf("a share of 2: status %d, said %q", status, errOut)
	}
}

func TestACutOffFileIsReportedAndItsRowsCount(t *testing.T) {
	header, rows := shopRows(t)
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(header + "\n" + strings.Join(rows, "\n"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	status, out, errOut := run(t, "analyze", "--output", "json", tempFile(t, "cut.csv.gz", packed.String()[:packed.Len()*3/4]))
	var found analysis
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.Events.Accepted == 0 || found.Events.Accepted >= int64(len(rows)) {
		t.Errorf("%v, %+v", err, found.Events)
	}
	if status != exitFailed || !strings.Contains(errOut, "the packed file is cut off after line ") || !strings.Contains(errOut, "rows before are imported") {
		t.Errorf("status %d, said %q", status, errOut)
	}
}

func TestInspectSaysWhatAFileHolds(t *testing.T) {
	status, out, errOut := run(t, "ingest", "inspect", "testdata/bad.csv")
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errOut)
	}
	for _, want := range []string{"testdata/bad.csv: rees46\n", "  34 rows, 30 of them events\n", "  from 2019-10-02T", " view\n", "Rejected rows: 4\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	status, out, errOut = run(t, "ingest", "inspect", "--output", "json", "testdata/shop.csv", "testdata/bad.csv")
	var files []inspectedFile
	if err := json.Unmarshal([]byte(out), &files); status != exitDone || err != nil || len(files) != 2 || files[1].Rejected["bad_time"] != 1 || files[1].Types["view"] == 0 {
		t.Errorf("status %d, %v, %+v; %s", status, err, files, errOut)
	}
}

// A product whose windows qualify for an hour is one line, not fifty.
func TestWindowsOfOneFlashSaleAreOneLine(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	alert := func(product, episode string, minute int, views, purchases uint64) foundAlert {
		begin := at.Add(time.Duration(minute) * time.Minute)
		return foundAlert{ProductID: product, EpisodeID: episode, WindowStart: begin, WindowEnd: begin.Add(10 * time.Minute), Views: views, Purchases: purchases}
	}
	got := flashSales([]foundAlert{
		alert("a", "1", 0, 101, 1), alert("b", "2", 0, 300, 0), alert("a", "1", 1, 120, 2), alert("a", "1", 11, 110, 0), alert("a", "3", 22, 105, 4),
	})
	want := []flashSale{
		{product: "b", from: at, to: at.Add(10 * time.Minute), windows: 1, views: 300},
		{product: "a", from: at, to: at.Add(21 * time.Minute), windows: 3, views: 120, purchases: 2},
		{product: "a", from: at.Add(22 * time.Minute), to: at.Add(32 * time.Minute), windows: 1, views: 105, purchases: 4},
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProgressNamesThePass(t *testing.T) {
	for want, p := range map[string]ingest.Progress{
		"checking a.csv": {Pass: ingest.Checking, Path: "a.csv", Bytes: 1, TotalBytes: 2},
		"appending sorted rows ████████████············  50%": {Pass: ingest.Appending, Read: 1, TotalRows: 2},
		"reading stdin  3 MB": {Pass: ingest.Spooling, Path: "stdin", Bytes: 3_000_000},
	} {
		if got := progress(p); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What is late depends on the rules in force: a day's windows are open for longer.
func TestW8_AnImportCountsWhatIsLateByTheRulesInForce(t *testing.T) {
	folder := t.TempDir()
	header, rows := shopRows(t)
	in := func(args ...string) string {
		t.Helper()
		status, out, errOut := run(t, append(args, "--data-dir", folder)...)
		if status != exitDone {
			t.Fatalf("%v: status %d: %s", args, status, errOut)
		}
		return unwrapped(out)
	}
	half := len(rows) / 2
	in("ingest", "file", tempFile(t, "newer.csv", header+"\n"+strings.Join(rows[half:], "\n")))
	in("alerts", "rules", "apply", rulesFile(t, "rules:\n  - name: day\n    when: views > 100\n    window: 24h\n    slide: 1h\n"))
	if out := in("ingest", "file", "testdata/shop.csv"); !strings.Contains(out, "events are new") || strings.Contains(out, "after their windows had closed") {
		t.Errorf("the older half, within a day of the newer: %s", out)
	}
}

// A second import into the same folder says that nothing is new, and rows from
// before what the log holds say that they miss the alerts.
func TestAnImportSaysWhatItAdded(t *testing.T) {
	folder := t.TempDir()
	header, rows := shopRows(t)
	half := len(rows) / 2
	newer := tempFile(t, "newer.csv", header+"\n"+strings.Join(rows[half:], "\n"))
	ingestFile := func(args ...string) string {
		t.Helper()
		status, out, errOut := run(t, append([]string{"ingest", "file", "--data-dir", folder}, args...)...)
		if status != exitDone {
			t.Fatalf("status %d: %s", status, errOut)
		}
		return unwrapped(out)
	}
	if out := ingestFile(newer); strings.Contains(out, "duplicates") || strings.Contains(out, "after their windows") {
		t.Errorf("the first import: %s", out)
	}
	if out := ingestFile(newer); !strings.Contains(out, "are duplicates: nothing is added") || strings.Contains(out, "after their windows") {
		t.Errorf("the second import: %s", out)
	}
	out := ingestFile("testdata/shop.csv")
	added := regexp.MustCompile(`([0-9,]+) events are new, ([0-9,]+) are duplicates of others`).FindStringSubmatch(out)
	late := regexp.MustCompile(`([0-9,]+) of the new events came after their windows had closed`).FindStringSubmatch(out)
	if added == nil || added[1] != count(half) || added[2] != count(len(rows)-half) || late == nil {
		t.Errorf("the whole file, %d and %d rows: %s", half, len(rows)-half, out)
	}
}

func TestAnImportStoppedWhileFilesAreCheckedSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut strings.Builder
	status := execute(ctx, []string{"ingest", "file", "--data-dir", t.TempDir(), "testdata/shop.csv"}, strings.NewReader(""), &out, &errOut)
	if status != exitFailed || !strings.Contains(errOut.String(), "stopped: nothing is imported") {
		t.Errorf("status %d, said %q", status, errOut.String())
	}
}

func TestFilesThatAreNotReadAreNamed(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"clicks.csv": "event_time,event_type,product_id,price,user_id,user_session\n2019-10-01 00:00:00 UTC,view,1,9.99,7,s\n", "README": "x"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range []string{"time", "file"} {
		status, out, errOut := run(t, "ingest", "file", "--order", order, "--data-dir", t.TempDir(), folder)
		if status != exitDone || !strings.Contains(errOut, "README is passed over") {
			t.Errorf("--order %s: status %d: %s%s", order, status, out, errOut)
		}
	}
}
