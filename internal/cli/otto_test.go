package cli

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"clickstream/internal/instance/shoptest"
)

// ottoRows reads a file of the OTTO data set with the standard library alone.
func ottoRows(t *testing.T, path string) []shoptest.Row {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := map[string]string{"clicks": "view", "carts": "add_to_cart", "orders": "purchase"}
	var rows []shoptest.Row
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var session struct {
			Events []struct {
				Aid  int
				TS   int64
				Type string
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &session); err != nil {
			t.Fatal(err)
		}
		for _, e := range session.Events {
			rows = append(rows, shoptest.Row{At: time.UnixMilli(e.TS), Kind: kinds[e.Type], Product: strconv.Itoa(e.Aid)})
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return rows
}

// Its lines are in the order of sessions, so the times jump back by hours.
func TestAnalyzeOfOTTOFindsWhatBruteForceFinds(t *testing.T) {
	const file = "../../ingest/formats/testdata/otto.jsonl"
	rows := ottoRows(t, file)
	for _, c := range []struct{ over, under int }{{10, 5}, {5, 1}} {
		found := analyzed(t, "--views-over", strconv.Itoa(c.over), "--purchases-under", strconv.Itoa(c.under), file)
		shoptest.SameAlerts(t, alertsOf(found), shoptest.BruteForce(rows, c.over, c.under))
		if found.Events.Late != 0 || found.Events.Accepted != int64(len(rows)) {
			t.Errorf("events %+v, want %d", found.Events, len(rows))
		}
	}
}
