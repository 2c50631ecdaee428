package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clickstream/warehouse/warehousetest"
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

// The tables alone are migrated: a broker's folder would be taken for a log.
func TestMigrateMakesNoBroker(t *testing.T) {
	end := warehousetest.Database(t)
	t.Setenv(envClickHousePassword, end.Password)
	folder := filepath.Join(t.TempDir(), "none")
	for _, command := range []string{"up", "status", "down"} {
		status, _, errOut := run(t, "migrate", command, "--data-dir", folder,
			"--clickhouse-addr", end.Addr, "--clickhouse-user", end.User, "--clickhouse-database", end.Database)
		if status != exitDone {
			t.Errorf("migrate %s: status %d, said %s", command, status, errOut)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Error("migrate made the folder")
	}
}
