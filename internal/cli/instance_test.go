package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/jobs"
	"clickstream/warehouse/warehousetest"
)

// start runs a command until the test's end or stop, which returns its status.
func start(t *testing.T, args ...string) (shown *testwait.Output, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	shown = &testwait.Output{}
	status, ended := -1, make(chan struct{})
	go func() {
		defer close(ended)
		status = execute(ctx, args, strings.NewReader(""), shown, shown)
	}()
	stop = func() int {
		cancel()
		<-ended
		return status
	}
	t.Cleanup(func() { stop() })
	return shown, stop
}

func TestTheDemoShowsAnAlertAndGoesOnWhereItStopped(t *testing.T) {
	folder := t.TempDir()
	shown, stop := start(t, "demo", "--data-dir", folder, "--collector-addr", "127.0.0.1:0", "--views-over", "40")
	testwait.Until(t, "the demo shows an alert", func() bool { return strings.Contains(shown.String(), "ALERT") })

	// Both pages open without a password, by the addresses that are printed.
	for _, what := range []string{"live charts", "query with SQL"} {
		address := regexp.MustCompile(what + ` +(\S+)`).FindStringSubmatch(shown.String())
		if address == nil {
			t.Fatalf("no address for %s in %q", what, shown)
		}
		answer, err := http.Get(address[1])
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "ClickHouse") {
			t.Errorf("%s: %s", what, answer.Status)
		}
		if what == "live charts" && !strings.Contains(answer.Request.URL.String(), "/dashboard#") {
			t.Errorf("%s leads to %s", what, answer.Request.URL)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	product := regexp.MustCompile(`flash sale is (\S+):`).FindStringSubmatch(shown.String())
	if product == nil {
		t.Fatalf("the demo does not say what is in the flash sale: %s", shown)
	}
	testwait.Until(t, "alerts beside the demo show the product", func() bool {
		_, out, _ := run(t, "alerts", "--data-dir", folder, "--limit", "1000")
		return strings.Contains(out, product[1])
	})
	if status, _, errOut := run(t, "analyze", "--data-dir", folder, "testdata/shop.csv"); status != exitFailed || !strings.Contains(errOut, "running instance") {
		t.Errorf("analyze in a running instance's folder: status %d, %s", status, errOut)
	}
	if status := stop(); status != exitDone || !strings.Contains(shown.String(), "The data is in "+folder) {
		t.Errorf("the demo ended with status %d and said %s", status, shown)
	}

	again, stop := start(t, "demo", "--data-dir", folder, "--collector-addr", "127.0.0.1:0", "--views-over", "40")
	testwait.Until(t, "the demo runs again", func() bool { return strings.Contains(again.String(), "Ctrl-C stops") })
	if status, out, errOut := run(t, "sql", "--data-dir", folder, "--output", "csv",
		"SELECT uniqExact(splitByChar('-', event_id)[2]) AS demos, min(timestamp) < now() - 800 AS old FROM events"); status != exitDone || !strings.HasPrefix(out, "demos,old\n") || !strings.HasSuffix(out, ",1\n") {
		t.Errorf("the second demo has not the first one's events: status %d, %s%s", status, out, errOut)
	}
	if status := stop(); status != exitDone {
		t.Errorf("the second demo ended with status %d: %s", status, again)
	}
	if status, out, errOut := run(t, "verify", "--data-dir", folder); status != exitDone {
		t.Errorf("verify: %s%s", out, errOut)
	}
}

// checkWhy asks for what an alert of the folder's instance was counted from.
func checkWhy(t *testing.T, folder string) {
	t.Helper()
	_, out, _ := run(t, "alerts", "--windows", "--data-dir", folder, "--limit", "1000")
	listed := regexp.MustCompile(`(\S{8}) confirmed  (1000111) .* (\d+) +0\n`).FindAllStringSubmatch(out, -1)
	if len(listed) == 0 {
		t.Fatalf("no alert of the product is listed: %s", out)
	}
	alert := listed[len(listed)-1]
	for _, name := range alert[1:3] {
		status, out, errOut := run(t, "alerts", "why", name, "--data-dir", folder, "--limit", "2")
		for _, want := range []string{
			"1000111 had " + alert[3] + " views and 0 purchases", "judged by flash_sale(views>10,", "\ncounted: " + alert[3] + "\n", "more: --limit 0", "\nnot counted: ",
		} {
			if status != exitDone || !strings.Contains(out, want) || strings.Contains(out, "verify") {
				t.Errorf("alerts why %s: status %d, %q is not in %s%s", name, status, want, out, errOut)
			}
		}
	}
	if status, out, errOut := run(t, "alerts", "why", alert[1], "--data-dir", folder, "--output", "json"); status != exitDone || !strings.Contains(out, `"views": `+alert[3]) {
		t.Errorf("alerts why as JSON: status %d, %s%s", status, out, errOut)
	}
	if status, _, errOut := run(t, "alerts", "why", "nosuchproduct", "--data-dir", folder); status != exitFailed || !strings.Contains(errOut, "nosuchproduct") {
		t.Errorf("alerts why of no alert: status %d, %s", status, errOut)
	}
}

func TestCommandsJoinTheRunningInstance(t *testing.T) {
	folder := t.TempDir()
	shown, stop := start(t, "serve", "--data-dir", folder, "--collector-addr", "127.0.0.1:0", "--views-over", "10")
	testwait.Until(t, "the instance serves", func() bool { return strings.Contains(shown.String(), `"serving"`) })
	if text, err := os.ReadFile(folder + "/instance.json"); err != nil || !strings.Contains(string(text), `"clickhouse"`) {
		t.Fatalf("no addresses in the folder: %v %s", err, text)
	}
	in := func(want string, args ...string) {
		t.Helper()
		status, out, errOut := run(t, append(args, "--data-dir", folder)...)
		if status != exitDone || !strings.Contains(out, want) {
			t.Errorf("%v: status %d, printed %q, said %q; want %q", args, status, out, errOut, want)
		}
	}
	in("584 rows read: 584 accepted, 0 rejected", "ingest", "file", "testdata/shop.csv")
	in("Rejected rows: 4\n  1 bad_price\n", "ingest", "file", "testdata/bad.csv")
	in("100 events generated", "ingest", "generate", "--count", "100", "--from", "2026-01-01T00:00:00Z", "--seed", "1")
	in("top_products for 2019-10-01: 5 rows", "jobs", "run", "top_products", "--day", "2019-10-01")
	in("conversion_rates   2019-10-01", "jobs", "backfill", "all", "--from", "2019-10-01", "--to", "2019-10-02", "--only", "missing", "--dry-run")
	// Each job for two days, less the run by hand.
	in(fmt.Sprintf("%d runs done", 2*len(jobs.Jobs())-1), "jobs", "backfill", "all", "--from", "2019-10-01", "--to", "2019-10-02", "--only", "missing")
	in("succeeded", "jobs", "runs")
	in("1000407", "jobs", "report", "2019-10-01")
	in(`"product_id": "1000407"`, "jobs", "report", "2019-10-01", "--output", "json")
	in("confirmed  1000111", "alerts", "--windows", "--limit", "1000")
	in("ended      1000111", "alerts")
	checkWhy(t, folder)
	in("00010_job_run_log.sql", "migrate", "status")
	in("reverted", "migrate", "down")
	if status, _, errOut := run(t, "alerts", "--data-dir", folder); status != exitFailed || !strings.Contains(errOut, "migrate up") {
		t.Errorf("a command that only asks makes no tables: status %d, %s", status, errOut)
	}
	migrations, err := filepath.Glob("../../migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	in("applied "+filepath.Base(migrations[len(migrations)-1]), "migrate", "up")
	in("nothing to do", "migrate", "up")
	in("Log, tables and alerts agree", "verify") // by the instance's rule
	in("all is well", "status")
	in("members 1, lag 0", "status")
	in(`"state": "running"`, "status", "--output", "json")
	_, out, _ := run(t, "status", "--output", "json", "--data-dir", folder)
	var health struct {
		Healthy  bool
		Instance struct{ URLs map[string]string }
		Roles    []struct {
			Name, State string
			Lag         *int64
		}
	}
	if err := json.Unmarshal([]byte(out), &health); err != nil || !health.Healthy || len(health.Roles) != 5 || !strings.HasPrefix(health.Instance.URLs["collector"], "http://127.0.0.1:") {
		t.Errorf("status: %v, %s", err, out)
	}
	for _, r := range health.Roles {
		if r.State != "running" || r.Name == "mirror" && (r.Lag == nil || *r.Lag != 0) {
			t.Errorf("role %+v", r)
		}
	}
	in(`{"rejected":4}`, "sql", "--output", "json", "SELECT count() AS rejected FROM rejected_events")
	if status, _, errOut := run(t, "sql", "--data-dir", folder, "DROP TABLE event_log"); status != exitFailed || !strings.Contains(errOut, "readonly") {
		t.Errorf("a query may only read: status %d, %s", status, errOut)
	}
	if status := stop(); status != exitDone {
		t.Errorf("the instance ended with status %d: %s", status, shown)
	}
	if _, err := os.Stat(folder + "/instance.json"); !os.IsNotExist(err) {
		t.Errorf("the addresses are still there: %v", err)
	}
}

// ClickHouse hangs up whenever it is asked.
func TestServeStartsTheCollectorWithoutClickHouse(t *testing.T) {
	clickhouse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer clickhouse.Close()
	go func() {
		for {
			c, err := clickhouse.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	_, brokers := brokertest.Start(t, t.TempDir())
	shown, stop := start(t, "serve", "--roles", "collector", "--collector-addr", "127.0.0.1:0", "--data-dir", t.TempDir(),
		"--kafka-brokers", brokers.Brokers[0], "--clickhouse-addr", clickhouse.Addr().String())
	testwait.Until(t, "the instance serves or says why not", func() bool {
		return strings.Contains(shown.String(), `"url":`) || strings.Contains(shown.String(), "clickstream serve:")
	})
	url := regexp.MustCompile(`"url":"([^"]+)"`).FindStringSubmatch(shown.String())
	if url == nil {
		t.Fatalf("no collector: %s", shown)
	}
	waitReady(t, url[1])
	answer, err := http.Post(url[1], "application/json", strings.NewReader(`{"event_type":"search","session_id":"s1"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the collector answered %s", answer.Status)
	}
	if status := stop(); status != exitDone {
		t.Errorf("status %d: %s", status, shown)
	}
}

// waitReady waits until the collector with this address for events takes them: it
// listens before it has reached the broker.
func waitReady(t *testing.T, events string) {
	t.Helper()
	testwait.Until(t, "the collector is ready", func() bool {
		answer, err := http.Get(strings.TrimSuffix(events, "/v1/events") + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// This command is the image's health check.
func TestStatusIsUnwellWhereNoRoleRuns(t *testing.T) {
	_, brokers := brokertest.Start(t, t.TempDir())
	end := warehousetest.Database(t)
	t.Setenv("CLICKSTREAM_CLICKHOUSE_PASSWORD", end.Password)
	engines := []string{"--data-dir", t.TempDir(), "--kafka-brokers", brokers.Brokers[0],
		"--clickhouse-addr", end.Addr, "--clickhouse-user", end.User, "--clickhouse-database", end.Database}
	if status, _, errOut := run(t, append([]string{"migrate", "up"}, engines...)...); status != exitDone {
		t.Fatal(errOut)
	}
	if status, _, errOut := run(t, append([]string{"ingest", "generate", "--count", "200"}, engines...)...); status != exitDone {
		t.Fatal(errOut)
	}
	status, out, errOut := run(t, append([]string{"status"}, engines...)...)
	if status != exitFailed || !strings.Contains(out, "UNWELL mirror: no instance runs it") || !strings.Contains(out, "lag 200") || strings.Contains(out, "all is well") {
		t.Errorf("status %d, printed %s%s", status, out, errOut)
	}
}

func TestServeEndsWhereTheAddressThatWasAskedForIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, brokers := brokertest.Start(t, t.TempDir())
	status, _, errOut := run(t, "serve", "--roles", "collector,normaliser", "--collector-addr", taken.Addr().String(), "--data-dir", t.TempDir(),
		"--kafka-brokers", brokers.Brokers[0])
	if status != exitFailed || !strings.Contains(errOut, "another program uses the port of "+taken.Addr().String()) || strings.Contains(errOut, `"serving"`) {
		t.Errorf("status %d, said %s", status, errOut)
	}
}

// Dropping every table needs an answer or --yes, and the environment is neither.
func TestTablesAreNotAllDroppedUnasked(t *testing.T) {
	dir := t.TempDir() + "/shop"
	if status, _, errOut := run(t, "migrate", "up", "--data-dir", dir); status != exitDone {
		t.Fatal(errOut)
	}
	t.Setenv("CLICKSTREAM_YES", "true")
	t.Setenv("CLICKSTREAM_ALL", "true")
	status, out, errOut := run(t, "migrate", "down", "--all", "--data-dir", dir)
	if status != exitUsage || strings.Contains(out, "reverted") || !strings.Contains(errOut, "give --yes") {
		t.Errorf("status %d, printed %q, said %q", status, out, errOut)
	}
	status, out, errOut = run(t, "migrate", "down", "--all", "--yes", "--data-dir", dir)
	if status != exitDone || !strings.Contains(out, "reverted 00001_event_log.sql") {
		t.Errorf("with --yes: status %d, printed %q, said %q", status, out, errOut)
	}
}
