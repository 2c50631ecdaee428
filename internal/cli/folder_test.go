package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A command that only asks does not turn a wrong folder into an instance's.
func TestACommandThatAsksSaysThatNoDataIsInTheFolderAndMakesNothing(t *testing.T) {
	for _, args := range [][]string{
		{"sql", "SELECT 1"}, {"alerts"}, {"alerts", "--follow"}, {"trace", "e1"}, {"verify"}, {"status"}, {"status", "--output", "json"},
		{"jobs", "run", "all"}, {"jobs", "runs"}, {"jobs", "report"}, {"jobs", "backfill", "all", "--from=2026-11-01", "--to=2026-11-01"},
		{"migrate", "status"}, {"migrate", "down", "--all", "--yes"},
	} {
		folder := filepath.Join(t.TempDir(), "none")
		status, out, errOut := run(t, append(args, "--data-dir", folder)...)
		if status != exitFailed || !strings.Contains(errOut, folder) || !strings.Contains(errOut, "clickstream demo") && !strings.Contains(errOut, "or demo") ||
			!strings.Contains(errOut, "--data-dir") || out != "" {
			t.Errorf("%v: status %d, printed %q, said %q", args, status, out, errOut)
		}
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%v made the folder", args)
		}
	}
}
