package cli

import (
	"slices"
	"strings"
	"testing"

	"clickstream/warehouse/warehousetest"
)

func TestSQLTakesACommentForNoFlag(t *testing.T) {
	query := "-- how many\nSELECT 1"
	got := queryLast([]string{"sql", query, "--output", "csv"})
	if want := []string{"sql", "--output", "csv", "--", query}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, args := range [][]string{{"sql", "--data-dir=a b", "SELECT 1"}, {"sql", "--", query}, {"status"}} {
		if got := queryLast(args); !slices.Equal(got, args) {
			t.Errorf("%q became %q", args, got)
		}
	}
}

func TestSQLFitsTheTerminal(t *testing.T) {
	long := strings.Repeat("x", 100)
	rows := [][]string{{"id", "url", "name"}, {"1", long, "a short one"}}
	if !fit(rows, 40) {
		t.Error("nothing was shortened")
	}
	if got, want := rows[1][1], strings.Repeat("x", 22)+"…"; rows[1][0] != "1" || rows[1][2] != "a short one" || got != want {
		t.Errorf("got %q, want the widest cell to be %q", rows[1], want)
	}
	if fit([][]string{{"a"}, {"b"}}, 40) {
		t.Error("a narrow table was shortened")
	}
}

// Formats, comments and pasted times, as a user types them, against an engine.
func TestSQLAnswersAsItIsAsked(t *testing.T) {
	end := warehousetest.Database(t)
	t.Setenv(envClickHousePassword, end.Password)
	folder := t.TempDir()
	call := func(args ...string) (int, string, string) {
		return run(t, append(args, "--data-dir", folder, "--kafka-brokers", "127.0.0.1:9", "--clickhouse-addr", end.Addr,
			"--clickhouse-user", end.User, "--clickhouse-database", end.Database)...)
	}
	ask := func(query string, flags ...string) (int, string, string) {
		return call(append([]string{"sql", query}, flags...)...)
	}
	if status, _, errOut := call("migrate", "up"); status != exitDone {
		t.Fatal(errOut)
	}
	const at = "toDateTime64('2026-11-24 08:00:00.5', 3, 'UTC') AS at"
	for query, want := range map[string]string{
		"-- a comment\nSELECT 1 AS a FORMAT CSV":          "1\n",
		"SELECT 1 AS a, 'x\ty' AS b FORMAT TSVWithNames;": "a\tb\n1\tx\\ty\n",
		"SELECT 1 AS a FORMAT JSONEachRow":                "{\"a\":1}\n",
		"SELECT 1 AS a, 2 AS long FORMAT Vertical":        "Row 1:\na:     1\nlong:  2\n",
		"SELECT 'a FORMAT CSV' AS a":                      "a\na FORMAT CSV\n",
		"SELECT " + at:                                    "at\n2026-11-24 08:00:00.5\n",
		"SELECT " + at + " FORMAT CSV":                    "2026-11-24T08:00:00.5Z\n",
		"SELECT count() AS n FROM (SELECT " + at + ") WHERE at = '2026-11-24T08:00:00.5Z'":                                    "n\n1\n",
		"SELECT count() AS n FROM (SELECT " + at + ") WHERE at IN ('2026-11-24 08:00:00.5')":                                  "n\n1\n",
		"SELECT toDateTime64('2026-11-24T08:00:00.5Z', 3, 'UTC') = toDateTime('2026-11-24T08:00:00Z', 'UTC') AS n FORMAT CSV": "0\n",
	} {
		if status, out, errOut := ask(query); status != exitDone || out != want {
			t.Errorf("%s\nstatus %d, printed %q, want %q; %s", query, status, out, want, errOut)
		}
	}
	if status, _, errOut := ask("SELECT 1 FORMAT Parquet"); status != exitUsage || !strings.Contains(errOut, "--output") {
		t.Errorf("an unknown format: status %d, %s", status, errOut)
	}
	if status, out, _ := ask("SELECT 7 AS a", "--vertical"); status != exitDone || out != "Row 1:\na:  7\n" {
		t.Errorf("--vertical: status %d, printed %q", status, out)
	}
}
