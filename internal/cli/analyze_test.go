package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clickstream/internal/instance/shoptest"
)

// alertsOf are the alerts of an analysis.
func alertsOf(found analysis) []shoptest.Alert {
	var all []shoptest.Alert
	for _, a := range found.Alerts {
		all = append(all, shoptest.Alert{
			ProductID: a.ProductID, WindowStart: a.WindowStart, WindowEnd: a.WindowEnd, Views: a.Views, Purchases: a.Purchases,
			ConversionRate: a.ConversionRate, Status: a.Status,
		})
	}
	return all
}

func TestAnalyzeFindsWhatBruteForceFinds(t *testing.T) {
	rows := shoptest.Rows(t, "testdata/shop.csv")
	for _, c := range []struct{ over, under int }{{10, 5}, {10, 1}, {20, 5}} {
		found := analyzed(t, "--views-over", strconv.Itoa(c.over), "--purchases-under", strconv.Itoa(c.under), "testdata/shop.csv")
		shoptest.SameAlerts(t, alertsOf(found), shoptest.BruteForce(rows, c.over, c.under))
		n := int64(len(rows))
		if want := (eventCounts{Read: n, Accepted: n}); found.Events != want || found.EventLogRows != uint64(n) {
			t.Errorf("events %+v, %d rows; want %+v", found.Events, found.EventLogRows, want)
		}
		if !slices.IsSortedFunc(found.Alerts, func(a, b foundAlert) int {
			if d := a.WindowStart.Compare(b.WindowStart); d != 0 {
				return d
			}
			return strings.Compare(a.ProductID, b.ProductID)
		}) {
			t.Error("the alerts are not in the order of window and product")
		}
	}
}

func TestAnalyzeReportsEachDay(t *testing.T) {
	rows := shoptest.Rows(t, "testdata/shop.csv")
	found := analyzed(t, "testdata/shop.csv")
	if len(found.Days) != 1 || found.Days[0].Day.String() != "2019-10-01" {
		t.Fatalf("days %+v", found.Days)
	}
	day := found.Days[0]
	kinds := map[string]map[string]int{}
	views := map[string]int{}
	for _, r := range rows {
		if kinds[r.User] == nil {
			kinds[r.User] = map[string]int{}
		}
		kinds[r.User][r.Kind]++
		if r.Kind == "view" {
			views[r.Product]++
		}
	}
	var buyers, shoppers uint64
	for _, k := range kinds {
		if k["purchase"] > 0 {
			buyers++
		} else {
			shoppers++
		}
	}
	if day.Segments.Buyer != buyers || day.Segments.WindowShopper != shoppers || day.Segments.Unknown != 0 {
		t.Errorf("segments %+v, want %d buyers and %d window shoppers", day.Segments, buyers, shoppers)
	}
	if len(day.TopProducts) != 5 {
		t.Fatalf("top products %+v", day.TopProducts)
	}
	for _, p := range day.TopProducts {
		more := 0
		for other, n := range views {
			if n > views[p.ProductID] || n == views[p.ProductID] && other < p.ProductID {
				more++
			}
		}
		if int(p.Views) != views[p.ProductID] || int(p.Rank) != more+1 {
			t.Errorf("%+v: brute force has %d views, rank %d", p, views[p.ProductID], more+1)
		}
	}
}

// The same file twice is on the log twice, and nowhere else.
func TestI4_TheSameFileTwiceAddsNothing(t *testing.T) {
	folder := t.TempDir()
	rows := shoptest.Rows(t, "testdata/shop.csv")
	n := int64(len(rows))
	args := []string{"--data-dir", folder, "--views-over", "10", "testdata/shop.csv"}
	first, second := analyzed(t, args...), analyzed(t, args...)
	if len(first.Alerts) != len(second.Alerts) {
		t.Errorf("%d alerts, then %d", len(first.Alerts), len(second.Alerts))
	}
	shoptest.SameAlerts(t, alertsOf(second), shoptest.BruteForce(rows, 10, 5))
	if want := (eventCounts{Read: n, Accepted: n, Duplicates: n}); second.Events != want || second.EventLogRows != uint64(n) {
		t.Errorf("the second time: %+v, %d rows; want %+v", second.Events, second.EventLogRows, want)
	}
	// Copies have offsets of their own: no way in leads past the log.
	status, out, errOut := run(t, "sql", "--data-dir", folder, "--output", "csv",
		"SELECT count() = uniqExact(kafka_partition, kafka_offset) AS apart FROM event_log")
	if status != exitDone || out != "apart\n1\n" {
		t.Errorf("status %d, %s%s; want rows with an offset each", status, out, errOut)
	}
	status, out, errOut = run(t, "verify", "--data-dir", folder, "--output", "json")
	var report struct{ Events, Duplicates int64 }
	if err := json.Unmarshal([]byte(out), &report); status != exitDone || err != nil || report.Events != 2*n || report.Duplicates != n {
		t.Errorf("verify: status %d, %v, %+v, want %d events on the log; %s", status, err, report, 2*n, errOut)
	}
}

// To verify must not change the alerts of the shop.
func TestW7_VerifyJudgesByTheRulesOnTheLogAndWritesNoAlerts(t *testing.T) {
	folder := t.TempDir()
	analyzed(t, "--data-dir", folder, "--views-over", "10", "testdata/shop.csv")
	const alerts = "SELECT count() AS alerts, uniqExact(rule) AS rules FROM alert_log"
	stored := func() string {
		status, out, errOut := run(t, "sql", "--data-dir", folder, "--output", "csv", alerts)
		if status != exitDone {
			t.Fatalf("status %d: %s", status, errOut)
		}
		return out
	}
	before := stored()
	if status, out, errOut := run(t, "verify", "--data-dir", folder); status != exitDone {
		t.Errorf("status %d, %s%s", status, out, errOut)
	}
	if after := stored(); after != before {
		t.Errorf("after it there are %s, before %s", after, before)
	}
}

func TestLateAndFutureEventsAreCountedOnce(t *testing.T) {
	folder := t.TempDir()
	name := folder + "/late.jsonl"
	at := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	var lines string
	for i, minutes := range []int{0, 30, 1, 1, 70} { // the third and its copy are late, the last is future
		id := i
		if i == 3 {
			id = 2
		}
		lines += fmt.Sprintf(`{"event_id":"%d","event_type":"view","product_id":"p","user_id":"u","timestamp":%q}`+"\n",
			id, at.Add(time.Duration(minutes)*time.Minute).Format(time.RFC3339))
	}
	if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	found := analyzed(t, "--order", "file", name)
	if want := (eventCounts{Read: 5, Accepted: 5, Duplicates: 1, Late: 1, Future: 1}); found.Events != want {
		t.Errorf("got %+v, want %+v", found.Events, want)
	}
}

func TestBadRowsAreCountedAndKept(t *testing.T) {
	folder := t.TempDir()
	found := analyzed(t, "--data-dir", folder, "testdata/bad.csv")
	if want := (eventCounts{Read: 34, Accepted: 30, Rejected: 4}); found.Events != want || found.EventLogRows != 30 {
		t.Errorf("events %+v, %d rows; want %+v", found.Events, found.EventLogRows, want)
	}
	status, out, errOut := run(t, "sql", "--data-dir", folder, "--output", "csv",
		"SELECT reason, field, origin, origin_position, value FROM rejected_events ORDER BY origin_position")
	if status != exitDone {
		t.Fatalf("sql: %s", errOut)
	}
	want := `reason,field,origin,origin_position,value
bad_row,,testdata/bad.csv,5,"2019-10-02 00:00:10 UTC,view,1000000,5.50,512300001"
bad_time,event_time,testdata/bad.csv,10,"yesterday,view,1000000,5.50,512300001,s-1"
bad_price,price,testdata/bad.csv,13,"2019-10-02 00:01:00 UTC,purchase,1000000,-1.00,512300001,s-1"
missing_field,product_id,testdata/bad.csv,16,"2019-10-02 00:01:00 UTC,view,,5.50,512300001,s-1"
`
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestTraceSaysWhereAnEventIs(t *testing.T) {
	folder := t.TempDir()
	analyzed(t, "--data-dir", folder, "testdata/shop.csv", "testdata/bad.csv")
	status, id, errOut := run(t, "sql", "--data-dir", folder, "--output", "csv",
		"SELECT event_id FROM events WHERE event_type = 'view' AND timestamp >= '2019-10-01 00:20:00' ORDER BY timestamp LIMIT 1")
	if status != exitDone {
		t.Fatalf("sql: %s", errOut)
	}
	id = strings.TrimSpace(strings.TrimPrefix(id, "event_id"))
	status, out, errOut := run(t, "trace", "--data-dir", folder, id)
	if status != exitDone || strings.Count(out, ":00,") != 9 || !strings.Contains(out, "offset") {
		t.Errorf("trace %s: status %d, %s%s; want ten windows", id, status, out, errOut)
	}
	if status, out, _ := run(t, "trace", "--data-dir", folder, "yesterday"); status != exitDone || !strings.Contains(out, "bad_time") {
		t.Errorf("trace of a rejected row: status %d, %s", status, out)
	}
	if status, out, _ := run(t, "trace", "--data-dir", folder, "nobody"); status != exitFailed || !strings.Contains(out, "no event") {
		t.Errorf("trace of nothing: status %d, %s", status, out)
	}
}

var (
	updateGolden = flag.Bool("update", false, "write the golden files anew")
	elapsed      = regexp.MustCompile(`"elapsed_seconds": [0-9.]+`)
)

// The document is read by other people's programs: names, order, empty lists
// and times are pinned as bytes.
func TestAnalyzesJSONIsAContract(t *testing.T) {
	folder := t.TempDir()
	small := folder + "/small.csv"
	text := "event_time,event_type,product_id,price,user_id,user_session\n" +
		"2019-10-01 00:00:00 UTC,view,1,9.99,7,s\n2019-10-01 00:00:01 UTC,view,1,9.99,8,t\n2019-10-02 00:00:00 UTC,remove_from_cart,1,9.99,7,s\n"
	if err := os.WriteFile(small, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errOut := run(t, "analyze", "--output", "json", "--views-over", "1", small)
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errOut)
	}
	const golden = "testdata/analyze.golden.json"
	got := elapsed.ReplaceAllString(out, `"elapsed_seconds": 0`)
	if *updateGolden {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", golden, got)
	}
}
