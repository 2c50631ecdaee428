package jobs

import (
	"testing"
	"time"
)

func TestDayBoundsFollowTheShopsClock(t *testing.T) {
	for _, c := range []struct {
		zone     string
		day      string
		from, to string // RFC 3339, UTC
	}{
		{"UTC", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"},
		{"Europe/Berlin", "2026-03-28", "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // 23 hours
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // 25 hours
		{"Asia/Kathmandu", "2026-05-12", "2026-05-11T18:15:00Z", "2026-05-12T18:15:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // begins at 01:00
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"},      // begins at 01:00
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},    // midnight comes twice
		{"Asia/Beirut", "2026-10-24", "2026-10-23T21:00:00Z", "2026-10-24T22:00:00Z"},       // 23:00 comes twice
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},      // was left out
	} {
		day, err := parseDay(c.day)
		if err != nil {
			t.Fatal(err)
		}
		from, to := day.Bounds(location(t, c.zone))
		if got := from.UTC().Format(time.RFC3339); got != c.from {
			t.Errorf("%s in %s begins at %s, want %s", c.day, c.zone, got, c.from)
		}
		if got := to.UTC().Format(time.RFC3339); got != c.to {
			t.Errorf("%s in %s ends at %s, want %s", c.day, c.zone, got, c.to)
		}
	}
}

func TestDaysFollowEachOtherWithoutAGap(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Tehran", "Pacific/Apia"} {
		loc := location(t, zone)
		for day := NewDay(2009, time.January, 1); day < NewDay(2027, time.January, 1); day++ {
			from, to := day.Bounds(loc)
			if from == to {
				continue
			}
			if DayOf(from, loc) != day || DayOf(to.Add(-time.Millisecond), loc) != day || DayOf(from.Add(-time.Millisecond), loc) >= day || DayOf(to, loc) <= day {
				t.Errorf("%s in %s is from %s to %s", day, zone, from, to)
			}
		}
	}
}

func TestParseDay(t *testing.T) {
	if d, err := parseDay("2024-02-29"); err != nil || d.String() != "2024-02-29" || (d+1).String() != "2024-03-01" {
		t.Errorf("2024-02-29 is read as %s, %v", d, err)
	}
	for _, s := range []string{"", "2026-02-29", "29.03.2026", "2026-3-1", "2026-03-29T00:00:00Z"} {
		if d, err := parseDay(s); err == nil {
			t.Errorf("%q is read as %s, want an error", s, d)
		}
	}
}
