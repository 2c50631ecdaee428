package mapping

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"clickstream/internal/event"
)

// Times reads the times of a file.
type Times struct {
	unit   float64 // of a Unix time, in milliseconds; 0: not one
	layout string  // "": RFC 3339
	zone   *time.Location
}

// RFC3339 is the time format of a mapping that names none.
const RFC3339 = "rfc3339"

var units = map[string]float64{"unix_s": 1e3, "unix_ms": 1, "unix_us": 1e-3, "unix_ns": 1e-6}

// Times are the mapping's, by its time format and zone.
func (m Mapping) Times() (Times, error) {
	t := Times{zone: time.UTC}
	var errs []error
	if m.Zone != "" {
		zone, err := time.LoadLocation(m.Zone)
		if err != nil || m.Zone == "Local" {
			errs = append(errs, fmt.Errorf("zone %q is not known: give a name of the time zone database, as in Europe/Berlin", m.Zone))
		} else {
			t.zone = zone
		}
	}
	t.unit = units[m.Time]
	if t.unit == 0 && m.Time != "" && m.Time != RFC3339 {
		layout, err := goLayout(m.Time)
		if err != nil {
			errs = append(errs, err)
		}
		t.layout = layout
	}
	return t, errors.Join(errs...)
}

// Parse reads a time. A local time that a change of the clocks skips or has
// twice is one of the two that it may be, always the same.
func (t *Times) Parse(text string) (event.Millis, bool) {
	switch {
	case t.unit != 0:
		return t.unix(text)
	case t.layout == "":
		return t.rfc3339(text)
	}
	at, err := time.ParseInLocation(t.layout, text, t.zone)
	return event.MillisOf(at), err == nil
}

func (t *Times) unix(text string) (event.Millis, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > -1<<43 {
		if t.unit >= 1 {
			return event.Millis(n * int64(t.unit)), n < 1<<53/int64(t.unit)
		}
		per := int64(math.Round(1 / t.unit))
		return event.Millis(n / per), true
	}
	// Spreadsheets and data frames write fractions and exponents.
	f, err := strconv.ParseFloat(text, 64)
	if f *= t.unit; err != nil || !(math.Abs(f) < 1<<53) {
		return 0, false
	}
	return event.Millis(math.Floor(f)), true
}

// rfc3339 takes what event.ParseTime takes leniently. A time that names no zone
// is in the mapping's.
func (t *Times) rfc3339(text string) (event.Millis, bool) {
	at, ok := event.ParseTime(text, true)
	if !ok || t.zone == time.UTC || strings.ContainsAny(text[19:], "Zz+-U") {
		return at, ok
	}
	local := at.Time()
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	return event.MillisOf(time.Date(year, month, day, hour, minute, second, local.Nanosecond(), t.zone)), true
}

// pieces of a layout and how Go writes them, longer ones before their beginnings.
var pieces = []struct{ piece, layout string }{
	{"YYYY", "2006"}, {"YY", "06"},
	{"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"},
	{"DD", "02"}, {"D", "2"},
	{"HH", "15"}, {"H", "15"}, {"hh", "03"}, {"h", "3"}, {"mm", "04"}, {"ss", "05"},
	{"A", "PM"}, {"a", "pm"}, {"ZZ", "-0700"}, {"Z", "Z07:00"},
}

// goLayout is a layout as package time wants it, checked to give back the time
// that it was given.
func goLayout(layout string) (string, error) {
	goes := layout
	if strings.Contains(layout, "YY") {
		goes = Layout(layout)
	}
	for _, want := range []time.Time{
		time.Date(2021, 11, 23, 16, 47, 58, 0, time.UTC),
		time.Date(2021, 11, 23, 16, 47, 0, 0, time.UTC),
		time.Date(2021, 11, 23, 16, 0, 0, 0, time.UTC),
		time.Date(2021, 11, 23, 0, 0, 0, 0, time.UTC),
	} {
		got, err := time.Parse(goes, want.Format(goes))
		if err == nil && got.Equal(want) {
			return goes, nil
		}
	}
	return "", fmt.Errorf("time %q is not a format of times with a year, a month and a day: give rfc3339, unix_s, unix_ms, unix_us, unix_ns, or a layout as in DD.MM.YYYY HH:mm (hh needs A, for AM or PM)", layout)
}

// Layout is a layout in pieces, such as DD.MM.YYYY, as package time writes it.
func Layout(layout string) string {
	var b strings.Builder
next:
	for layout != "" {
		// Go reads a fraction after the seconds without being asked for it.
		if len(layout) > 1 && (layout[0] == '.' || layout[0] == ',') && layout[1] == 'S' {
			layout = strings.TrimLeft(layout[1:], "S")
			continue
		}
		for _, p := range pieces {
			if rest, ok := strings.CutPrefix(layout, p.piece); ok {
				b.WriteString(p.layout)
				layout = rest
				continue next
			}
		}
		b.WriteByte(layout[0])
		layout = layout[1:]
	}
	return b.String()
}
