package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"clickstream/internal/testwait"
	"clickstream/warehouse/warehousetest"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// run runs a command as main does.
func run(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o bytes.Buffer
	var e testwait.Output // the roles of serve log at the same time
	status = Main(args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// analyzed runs analyze --output json and reads its document.
func analyzed(t *testing.T, args ...string) analysis {
	t.Helper()
	status, out, errOut := run(t, append([]string{"analyze", "--output", "json"}, args...)...)
	if status != exitDone {
		t.Fatalf("analyze %v: status %d: %s", args, status, errOut)
	}
	var found analysis
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&found); err != nil {
		t.Fatalf("analyze %v printed %q: %v", args, out, err)
	}
	if d.More() {
		t.Fatalf("analyze %v printed more than one document: %q", args, out)
	}
	return found
}

func TestWrongCallsSayWhatToDo(t *testing.T) {
	empty := t.TempDir()
	for want, args := range map[string][]string{
		"views-over is -1":           {"analyze", "--views-over=-1", "x.csv"},
		"purchases-under is 0":       {"analyze", "--purchases-under=0", "x.csv"},
		"multiple of the slide":      {"analyze", "--window=7m", "--slide=2m", "x.csv"},
		`timezone "Berlin"`:          {"analyze", "--timezone=Berlin", "x.csv"},
		`format "xml" is not known`:  {"analyze", "--format=xml", "x.csv"},
		"unexpected argument colour": {"colour"},
		"Try: clickstream analyze":   {"analyze"},
		`role "cook" is not known`:   {"serve", "--roles=cook", "--data-dir", empty},
		`no job is called "tea"`:     {"jobs", "run", "tea", "--data-dir", empty},
		"write it as 2026-03-29":     {"jobs", "report", "yesterday", "--data-dir", empty},
		"to is 2026-11-01, before":   {"jobs", "backfill", "all", "--from=2026-11-02", "--to=2026-11-01", "--data-dir", empty},
		"give --count or --to":       {"ingest", "generate", "--stdout"},
		"host:port of the native":    {"analyze", "--clickhouse-addr=nowhere", "-"},
		"must be one of":             {"sql", "--output=xml", "SELECT 1"},
	} {
		status, out, errOut := run(t, args...)
		if status != exitUsage || !strings.Contains(errOut, want) || out != "" {
			t.Errorf("%v: status %d, said %q, want %q", args, status, errOut, want)
		}
	}
}

func TestEveryCommandsHelpHasAnExample(t *testing.T) {
	for _, command := range []string{"demo", "serve", "analyze", "ingest file", "ingest inspect", "ingest generate", "alerts", "alerts list", "alerts why", "alerts backtest", "alerts rules check", "alerts rules show", "alerts rules history", "jobs list", "jobs run",
		"jobs backfill", "jobs runs", "jobs report", "sql", "trace", "migrate up", "migrate down", "migrate status", "verify", "status"} {
		status, out, _ := run(t, append(strings.Fields(command), "--help")...)
		if status != exitDone || !strings.Contains(out, "Example") {
			t.Errorf("%s --help: status %d, no example in %q", command, status, out)
		}
	}
}

func TestAFileThatIsNoneIsRefused(t *testing.T) {
	folder := t.TempDir()
	name := folder + "/letter.txt"
	if err := os.WriteFile(name, []byte("Dear Sir or Madam,\nplease find enclosed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{"its columns cannot be guessed": name, "none.csv: no such file": folder + "/none.csv", "the folder has no file of events": t.TempDir()} {
		status, _, errOut := run(t, "analyze", path)
		if status != exitFailed || !strings.Contains(errOut, want) {
			t.Errorf("%s: status %d, said %q, want %q", path, status, errOut, want)
		}
	}
}

func TestStatusWithoutAnInstanceSaysSo(t *testing.T) {
	folder := t.TempDir() + "/none"
	status, _, errOut := run(t, "status", "--data-dir", folder)
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Error("asking made the folder")
	}
	if status != exitFailed || !strings.Contains(errOut, "no instance is running") {
		t.Errorf("status %d, said %q", status, errOut)
	}
}
