package grafana

import (
	"strings"
	"testing"
	"time"
)

func TestMacrosAreWrittenAsThePluginWritesThem(t *testing.T) {
	from := time.Date(2026, 1, 15, 10, 0, 0, 250e6, time.UTC)
	to := from.Add(36 * time.Hour)
	for macro, want := range map[string]string{
		"$__timeFilter(c)":          "c >= toDateTime(1768471200) AND c <= toDateTime(1768600800)",
		"$__timeFilter_ms(e.at)":    "e.at >= fromUnixTimestamp64Milli(1768471200250) AND e.at <= fromUnixTimestamp64Milli(1768600800250)",
		"$__dateFilter(d)":          "d >= toDate('2026-01-15') AND d <= toDate('2026-01-16')",
		"$__fromTime, $__toTime_ms": "toDateTime(1768471200), fromUnixTimestamp64Milli(1768600800250)",
		"$__timeInterval(f(a, b))":  "toStartOfInterval(toDateTime(f(a, b)), INTERVAL 90 second)",
		"$__timeInterval_ms(c)":     "toStartOfInterval(toDateTime64(c, 3), INTERVAL 90000 millisecond)",
		"n / $__interval_s":         "n / 90",
	} {
		got, err := Expand(macro, from, to, 90*time.Second)
		if err != nil || got != want {
			t.Errorf("%s\nis   %s (%v)\nwant %s", macro, got, err, want)
		}
	}
}

func TestAnIntervalIsAtLeastASecond(t *testing.T) {
	if got, err := Expand("$__interval_s", time.Time{}, time.Time{}, time.Millisecond); err != nil || got != "1" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestMacrosThatThePluginWouldNotUnderstandAreRefused(t *testing.T) {
	for _, sql := range []string{
		"$__unheardOf", "$__timeFilter", "$__timeFilter(a, b)", "$__timeFilter(a", "$__timeInterval($__fromTime)",
	} {
		if got, err := Expand(sql, time.Time{}, time.Time{}, time.Second); err == nil {
			t.Errorf("%s became %s", sql, got)
		}
	}
}

func TestCommentsHoldNothingThatThePluginReplaces(t *testing.T) {
	for _, name := range Queries() {
		sql, err := Query(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(sql, "-- ") {
			t.Errorf("%s.sql does not say what it answers", name)
		}
		for line := range strings.Lines(sql) {
			if _, comment, ok := strings.Cut(line, "--"); ok && strings.ContainsAny(comment, "$?{'") {
				t.Errorf("%s.sql: the comment %q", name, comment)
			}
		}
	}
}
