package jobs

import (
	"fmt"
	"time"
)

// Day is a calendar day, without a time zone: the number of days since
// 1970-01-01. d+1 is the day after d.
type Day int32

const dayFormat = "2006-01-02"

// NewDay is the day of this date; a date past the month's end runs on.
func NewDay(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// DayOf is the day that clocks in loc show at t.
func DayOf(t time.Time, loc *time.Location) Day { return NewDay(t.In(loc).Date()) }

// parseDay reads a day as 2006-01-02.
func parseDay(s string) (Day, error) {
	t, err := time.Parse(dayFormat, s)
	if err != nil {
		return 0, fmt.Errorf("day %q: write it as 2026-03-29", s)
	}
	return NewDay(t.Date()), nil
}

func (d Day) String() string { return d.date().Format(dayFormat) }

// MarshalText writes the day as 2006-01-02.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Day) UnmarshalText(b []byte) (err error) {
	*d, err = parseDay(string(b))
	return err
}

func (d Day) date() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Bounds are the day's first instant in loc and the first after it. Days
// follow each other without a gap; one that a zone has left out is empty.
func (d Day) Bounds(loc *time.Location) (from, to time.Time) {
	return d.at(0, 0, loc), (d + 1).at(0, 0, loc)
}

// at is the first instant of the day at which clocks in loc show hour:minute
// or, where they jump over it, the instant of the jump.
func (d Day) at(hour, minute int, loc *time.Location) time.Time {
	year, month, day := d.date().Date()
	t := time.Date(year, month, day, hour, minute, 0, 0, loc)
	begins, ends := t.ZoneBounds()
	// time.Date reads a time that does not exist by the clock before the jump
	// (and lands behind it) or by the one after it (and lands before it).
	switch shown, asked := t.Hour()*60+t.Minute(), hour*60+minute; {
	case DayOf(t, loc) > d, DayOf(t, loc) == d && shown > asked:
		return begins
	case DayOf(t, loc) < d, shown < asked:
		return ends
	}
	if begins.IsZero() {
		return t
	}
	// Clocks that were put back show it twice: the first one counts.
	_, before := begins.Add(-1).Zone()
	_, now := t.Zone()
	if first := t.Add(-time.Duration(before-now) * time.Second); before > now && first.Before(begins) {
		return first
	}
	return t
}
