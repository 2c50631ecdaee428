package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestHelpLeavesOutTheEnginesFlagsUnlessAskedForAll(t *testing.T) {
	status, short, _ := run(t, "trace", "--help")
	if status != exitDone || strings.Contains(short, "--kafka-brokers") || strings.Contains(short, "--clickhouse-addr") || !strings.Contains(short, helpAll) {
		t.Errorf("status %d, help:\n%s", status, short)
	}
	status, long, _ := run(t, "trace", helpAll)
	if status != exitDone || !strings.Contains(long, "--kafka-brokers") || !strings.Contains(long, "--clickhouse-addr") {
		t.Errorf("status %d, help with all flags:\n%s", status, long)
	}
	if n := strings.Count(short, "\n"); n > 45 {
		t.Errorf("the short help of trace has %d lines", n)
	}
}

func TestANegativeValueIsRefusedForWhatItIs(t *testing.T) {
	status, _, errOut := run(t, "analyze", "--views-over", "-5", "x.csv")
	if status != exitUsage || !strings.Contains(errOut, "views-over is -5") {
		t.Errorf("status %d: %s", status, errOut)
	}
}

func TestAMisspeltVariableIsNamed(t *testing.T) {
	t.Setenv("CLICKSTREAM_VIEW_OVER", "3")
	t.Setenv("CLICKSTREAM_TEST_ANYTHING", "x")
	t.Setenv("CLICKSTREAM_DATA_DIR", t.TempDir())
	_, _, errOut := run(t, "jobs", "list")
	if errOut != "warning: nothing reads the environment variable CLICKSTREAM_VIEW_OVER: did you mean CLICKSTREAM_VIEWS_OVER?\n" {
		t.Errorf("printed %q", errOut)
	}
}

func TestNothingIsSuggestedForANameThatIsNearNone(t *testing.T) {
	var out bytes.Buffer
	warnOfUnknownVariables(&out, []string{"PATH=/bin", "CLICKSTREAM_ZZZZZZZZZZZZZZZZ=x"}, otherVariables)
	if text := out.String(); !strings.Contains(text, "CLICKSTREAM_ZZZZZZZZZZZZZZZZ") || strings.Contains(strings.SplitN(text, "ZZZ", 2)[1], "did you mean") {
		t.Errorf("printed %q", text)
	}
}

func TestTheVersionIsAFlagToo(t *testing.T) {
	_, command, _ := run(t, "version")
	status, flag, _ := run(t, "--version")
	if status != exitDone || flag != command || !strings.HasPrefix(flag, "clickstream ") {
		t.Errorf("--version: status %d, %q; version: %q", status, flag, command)
	}
}

func TestJobsTakeTheSameFlags(t *testing.T) {
	dir := t.TempDir()
	if status, _, errOut := run(t, "jobs", "list", "--data-dir", dir); status != exitDone {
		t.Errorf("jobs list --data-dir: %s", errOut)
	}
	for _, command := range []string{"run", "report"} {
		status, out, _ := run(t, "jobs", command, "--help")
		if status != exitDone || !strings.Contains(out, "--day=DATE") {
			t.Errorf("jobs %s has no --day:\n%s", command, out)
		}
	}
	status, _, errOut := run(t, "jobs", "report", "2026-11-01", "--day", "2026-11-02", "--data-dir", dir)
	if status != exitUsage || !strings.Contains(errOut, "two days are given") {
		t.Errorf("status %d: %s", status, errOut)
	}
}

func TestAForgottenValueIsNotTheNextFlag(t *testing.T) {
	status, _, errOut := run(t, "alerts", "--data-dir", "--follow")
	if status != exitUsage || !strings.Contains(errOut, "--data-dir") {
		t.Errorf("status %d: %s", status, errOut)
	}
}

func TestDroppingEveryTableIsAskedOnATerminal(t *testing.T) {
	t.Setenv("CLICKSTREAM_YES", "true")
	for answer, want := range map[string]bool{"y\n": true, "yes\n": true, "n\n": false, "\n": false, "": false} {
		var asked bytes.Buffer
		terminal := &terminal{in: strings.NewReader(answer), err: &asked, inTTY: true, errTTY: true}
		err := (&migrateDownCmd{All: true}).confirm(terminal)
		if (err == nil) != want || !strings.Contains(asked.String(), "drops every table") {
			t.Errorf("answer %q: %v, asked %q", answer, err, asked.String())
		}
	}
}

// All variables share their prefix, which makes none of them near to another.
func TestAShortNameThatIsNearNoneIsNotTakenForAnother(t *testing.T) {
	var out bytes.Buffer
	warnOfUnknownVariables(&out, []string{"CLICKSTREAM_ALL=true"}, []string{"CLICKSTREAM_SALE"})
	if want := "warning: nothing reads the environment variable CLICKSTREAM_ALL\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}
