package cli

import (
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
)

func TestTheDemoNamesTheRuleWhereThereAreSeveral(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for want, several := range map[string]bool{
		"ALERT      p1  1,234 views and 1 purchase in one window, from 10:00 to 10:10 UTC\n":           false,
		"ALERT      p1  hot\\x1b  1,234 views and 1 purchase in one window, from 10:00 to 10:10 UTC\n": true,
	} {
		var out, errOut strings.Builder
		term := &terminal{out: &out, err: &errOut}
		v := &demoView{t: term, s: term.status(), episodes: make(episodes), severalRules: several}
		v.alert(event.Alert{
			ID: "a1", Rule: "hot\x1b(views>1000,window=10m0s,slide=1m0s,lateness=1m0s)", ProductID: "p1", WindowStart: at, WindowEnd: at.Add(10 * time.Minute),
			Status: event.Firing, Views: 1234, Purchases: 1, Exact: true,
		})
		v.show()
		if out.String() != want {
			t.Errorf("printed %q, want %q", out.String(), want)
		}
	}
}

func TestTheDemoChecksItsFlagsBeforeItStarts(t *testing.T) {
	for want, args := range map[string][]string{
		"give a duration, as in 30s": {"--for", "-1s"},
		"kafka settings: ":           {"--kafka-brokers", "nowhere"},
		"ClickHouse settings: ":      {"--clickhouse-addr", "nowhere"},
	} {
		status, out, errOut := run(t, append([]string{"demo", "--data-dir", t.TempDir()}, args...)...)
		if status != exitUsage || out != "" || !strings.Contains(errOut, want) || strings.Contains(errOut, "starting the engines") {
			t.Errorf("%v: status %d, %s%s; want %q", args, status, out, errOut, want)
		}
	}
}
