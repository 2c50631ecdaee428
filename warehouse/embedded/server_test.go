//go:build !noembed && (linux || darwin)

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/warehouse/warehousetest/visible"
)

func startIn(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir, Progress: ProgressLines(visible.Writer())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask posts a statement by HTTP; without a user it is anonymous.
func ask(t *testing.T, addr, user, password, sql string) (status int, said string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// run is ask as the pipeline's user, for what has to work.
func run(t *testing.T, s *Server, sql string) string {
	t.Helper()
	status, said := ask(t, s.HTTPAddr(), User, s.Credentials().Password, sql)
	if status != http.StatusOK {
		t.Fatalf("%s: %s", sql, said)
	}
	return said
}

func native(t *testing.T, s *Server, user, password string) clickhouse.Conn {
	t.Helper()
	c, err := clickhouse.Open(&clickhouse.Options{Addr: []string{s.TCPAddr()}, Auth: clickhouse.Auth{Username: user, Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestServesNativeAndHTTPAndStopsCleanly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a <folder> & more")
	s := startIn(t, dir)
	var zone string
	if err := native(t, s, User, s.Credentials().Password).QueryRow(t.Context(), "SELECT timezone()").Scan(&zone); err != nil {
		t.Fatal(err)
	}
	if got := run(t, s, "SELECT timezone()"); got != zone || !strings.HasSuffix(zone, "UTC") {
		t.Errorf("time zone by HTTP %q, by the native protocol %q, want UTC", got, zone)
	}

	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another clickstream runs one in") {
		t.Errorf("a second start in the same folder: %v", err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, credentialsFile: 0o600, "users.xml": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
	users, err := os.ReadFile(filepath.Join(dir, "users.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Credentials(); strings.Contains(string(users), c.Password) || strings.Contains(string(users), c.GrafanaPassword) {
		t.Error("users.xml holds a password")
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if s.Err() != nil || s.Close() != nil {
		t.Errorf("after Close: %v", s.Err())
	}
	again := startIn(t, dir)
	if again.Credentials() != s.Credentials() {
		t.Error("a second start made new passwords")
	}
}

func TestAnonymousRequestsGetNothing(t *testing.T) {
	s := startIn(t, t.TempDir())
	run(t, s, "CREATE DATABASE clickstream")
	run(t, s, "CREATE TABLE clickstream.event_log (id UInt64) ENGINE = MergeTree ORDER BY id")
	run(t, s, "INSERT INTO clickstream.event_log VALUES (421234)")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("421234\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	statements := []string{
		"SELECT * FROM clickstream.event_log",
		"SELECT * FROM file('" + secret + "', 'LineAsString')",
		"SELECT * FROM url('http://" + s.HTTPAddr() + "/ping', 'LineAsString')",
		"SELECT * FROM remote('" + s.TCPAddr() + "', clickstream.event_log)",
		"SELECT * FROM merge('clickstream', 'event')",
		"SELECT name FROM system.users",
		"SELECT query FROM system.processes",
		"SELECT name FROM system.tables",
		"SELECT name FROM system.databases",
		"SELECT table_name FROM information_schema.tables",
		"SELECT number FROM system.numbers LIMIT 1",
		"SHOW DATABASES",
		"SHOW CREATE USER clickstream",
		"INSERT INTO clickstream.event_log VALUES (1)",
		"CREATE DATABASE mine",
		"CREATE TEMPORARY TABLE mine (id UInt64)",
		"CREATE USER mine",
		"GRANT SELECT ON *.* TO default",
		"EXECUTE AS clickstream SELECT 1",
		"KILL QUERY WHERE 1",
		"SYSTEM RELOAD USERS",
		"SYSTEM STOP LISTEN TCP",
		"SYSTEM STOP LISTEN HTTP",
		"DROP TABLE clickstream.event_log",
	}
	anonymous := native(t, s, "default", "")
	for _, sql := range statements {
		if status, said := ask(t, s.HTTPAddr(), "", "", sql); status == http.StatusOK {
			t.Errorf("an anonymous request ran %q: %s", sql, said)
		}
		if err := anonymous.Exec(t.Context(), sql); err == nil {
			t.Errorf("an anonymous connection ran %q", sql)
		}
	}
	for _, sql := range []string{"SELECT 1", "SELECT version()"} { // harmless, if answered at all
		if _, said := ask(t, s.HTTPAddr(), "", "", sql); strings.Contains(said, "421234") {
			t.Errorf("%s: %s", sql, said)
		}
	}
	for _, user := range []string{User, GrafanaUser} {
		if status, _ := ask(t, s.HTTPAddr(), user, "wrong", "SELECT 1"); status == http.StatusOK {
			t.Errorf("user %s got in with a wrong password", user)
		}
	}
	if got := run(t, s, "SELECT id FROM clickstream.event_log"); got != "421234" {
		t.Errorf("the table holds %q afterwards, want it untouched", got)
	}
}

func TestGrafanaReadsTheViewsAndNothingBeneath(t *testing.T) {
	s := startIn(t, t.TempDir())
	run(t, s, "CREATE DATABASE clickstream")
	run(t, s, "CREATE TABLE clickstream.event_log (id UInt64) ENGINE = ReplacingMergeTree ORDER BY id")
	run(t, s, "INSERT INTO clickstream.event_log VALUES (7)")
	for _, view := range []string{"events", "dashboard_freshness"} {
		run(t, s, "CREATE VIEW clickstream."+view+" DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT id FROM clickstream.event_log FINAL")
	}
	password := s.Credentials().GrafanaPassword
	for sql, want := range map[string]string{
		"SELECT id FROM clickstream.events":                                                                      "7",
		"SELECT id FROM clickstream.dashboard_freshness":                                                         "7",
		"SELECT id FROM clickstream.events SETTINGS max_execution_time = 45":                                     "7",
		"SELECT id FROM clickstream.events SETTINGS additional_table_filters = {'clickstream.events': 'id > 9'}": "",
		"SELECT name FROM system.tables WHERE database = 'clickstream' ORDER BY name":                            "dashboard_freshness\nevents",
		"SELECT sum(number) FROM numbers(4)":                                                                     "6",
	} {
		if status, said := ask(t, s.HTTPAddr(), GrafanaUser, password, sql); status != http.StatusOK || said != want {
			t.Errorf("grafana: %s: %s, want %q", sql, said, want)
		}
	}
	for _, sql := range []string{
		"SELECT id FROM clickstream.event_log",
		"INSERT INTO clickstream.events VALUES (1)",
		"INSERT INTO clickstream.event_log VALUES (1)",
		"CREATE TABLE clickstream.t (a UInt8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE t (a UInt8)",
		"DROP VIEW clickstream.events",
		"ALTER TABLE clickstream.event_log DELETE WHERE 1",
		"SET readonly = 0",
		"SELECT 1 SETTINGS max_execution_time = 3600",
		"SELECT 1 SETTINGS max_memory_usage = 0",
		"SELECT name FROM system.users",
		"SELECT query FROM system.processes",
		"SELECT * FROM file('/etc/hosts', 'LineAsString')",
		"SELECT * FROM url('http://" + s.HTTPAddr() + "/ping', 'LineAsString')",
	} {
		if status, said := ask(t, s.HTTPAddr(), GrafanaUser, password, sql); status == http.StatusOK {
			t.Errorf("grafana could %q: %s", sql, said)
		}
	}
}

func TestThePipelineCanDoItsWorkAndReachesNothingElse(t *testing.T) {
	s := startIn(t, t.TempDir())
	for _, sql := range []string{
		"CREATE DATABASE a",
		"CREATE TABLE a.report (day Date, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n",
		"CREATE TABLE a.staging AS a.report",
		"INSERT INTO a.report SELECT toDate('2026-01-01') + number % 120, number FROM numbers(800)",
		"INSERT INTO a.staging VALUES ('2026-01-02', 5)",
		"ALTER TABLE a.report REPLACE PARTITION '2026-01-02' FROM a.staging",
		"ALTER TABLE a.report REPLACE PARTITION '2026-01-03' FROM a.staging SETTINGS allow_replace_partition_from_empty_source = 1",
		"ALTER TABLE a.report DELETE WHERE n = 6 SETTINGS mutations_sync = 1",
		"DELETE FROM a.report WHERE n = 8",
		"EXCHANGE TABLES a.report AND a.staging",
		"OPTIMIZE TABLE a.report FINAL",
		"CREATE TABLE a.small (n UInt64) ENGINE = Memory",
		"SELECT n, sum(n) OVER (ORDER BY n) FROM a.report, system.parts LIMIT 1",
		"SELECT count() FROM system.mutations, generate_series(1, 3) AS s",
		"CREATE MATERIALIZED VIEW a.seen ENGINE = MergeTree ORDER BY n AS SELECT n FROM a.report",
		"KILL QUERY WHERE query_id = 'none'",
		"TRUNCATE TABLE a.report",
		"RENAME TABLE a.staging TO a.kept",
		"DROP DATABASE a",
	} {
		run(t, s, sql)
	}
	for _, sql := range []string{
		"SELECT * FROM file('/etc/hosts', 'LineAsString')",
		"SELECT * FROM url('http://" + s.HTTPAddr() + "/ping', 'LineAsString')",
		"SELECT * FROM remote('" + s.TCPAddr() + "', system.one)",
		"CREATE TABLE default.f (a String) ENGINE = URL('http://" + s.HTTPAddr() + "/ping', 'TSV')",
		"CREATE TABLE default.f (a String) ENGINE = File('TSV')",
		"CREATE USER mine",
		"SYSTEM STOP LISTEN HTTP",
	} {
		if status, said := ask(t, s.HTTPAddr(), User, s.Credentials().Password, sql); status == http.StatusOK {
			t.Errorf("the pipeline's user could %q: %s", sql, said)
		}
	}
}

func TestAcknowledgedRowsSurviveSIGKILL(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir)
	run(t, s, "CREATE DATABASE clickstream")
	run(t, s, "CREATE TABLE clickstream.event_log (id UInt64) ENGINE = MergeTree ORDER BY id")
	const rows = 20
	for id := range rows {
		run(t, s, fmt.Sprintf("INSERT INTO clickstream.event_log VALUES (%d)", id))
	}
	s.Kill()
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the end of a killed engine is reported as %v", err)
	}
	s.Close()

	s = startIn(t, dir)
	if got := run(t, s, "SELECT count(), uniqExact(id) FROM clickstream.event_log"); got != "20\t20" {
		t.Errorf("rows and distinct ids after SIGKILL: %s, want %d of each", got, rows)
	}
}

func TestTheEngineEndsWithAKilledParent(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0], startAndTell, dir)
	parent.Stderr = os.Stderr
	stdin, err := parent.StdinPipe() // held open: only SIGKILL ends it
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	addr = strings.TrimSpace(addr)
	if err != nil {
		parent.Process.Kill()
		parent.Wait()
		t.Fatal(err)
	}
	if status, _ := ask(t, addr, "", "", "SELECT 1"); status != http.StatusOK {
		t.Errorf("the engine does not answer while its parent lives: %d", status)
	}
	parent.Process.Kill()
	parent.Wait()

	// The folder is free again at once: what Start does when the old engine is
	// still going is to wait for it.
	s := startIn(t, dir)
	if s.HTTPAddr() != addr && answers(addr) {
		t.Error("the engine outlived its parent")
	}
}

func answers(addr string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, (&url.URL{Scheme: "http", Host: addr, Path: "/ping"}).String(), nil)
	if err != nil {
		return false
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return true
}

func TestAnEngineThatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil { // a file where its folder should be
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir, Progress: ProgressLines(visible.Writer())})
	if err == nil || !strings.Contains(err.Error(), "ended by itself") || !strings.Contains(err.Error(), "data") {
		t.Errorf("got %v, want the engine's own words", err)
	}
	if _, err := Start(t.Context(), Options{}); err == nil {
		t.Error("an engine without a folder started")
	}
	if _, err := Start(t.Context(), Options{Dir: t.TempDir(), Database: "a'b"}); err == nil {
		t.Error("an engine with a database name that needs quoting started")
	}
}
