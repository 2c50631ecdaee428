package mapping

import (
	"testing"
	_ "time/tzdata" // as the program has it

	"clickstream/internal/event"
)

func TestTimes(t *testing.T) {
	for _, tt := range []struct{ format, zone, text, want string }{
		{"", "", "2024-03-01 10:04:05", "2024-03-01T10:04:05.000Z"},
		{"rfc3339", "Europe/Berlin", "2024-03-01 10:04:05.25", "2024-03-01T09:04:05.250Z"},
		{"rfc3339", "Europe/Berlin", "2024-03-01T10:04:05Z", "2024-03-01T10:04:05.000Z"},
		{"rfc3339", "Europe/Berlin", "2024-03-01T10:04:05-05:00", "2024-03-01T15:04:05.000Z"},
		{"unix_s", "", "1709287445", "2024-03-01T10:04:05.000Z"},
		{"unix_s", "", "1709287445.5", "2024-03-01T10:04:05.500Z"},
		{"unix_ms", "Europe/Berlin", "1709287445123", "2024-03-01T10:04:05.123Z"},
		{"unix_ms", "", "1.709287445123E+12", "2024-03-01T10:04:05.123Z"},
		{"unix_us", "", "1709287445123456", "2024-03-01T10:04:05.123Z"},
		{"unix_ns", "", "1709287445123456789", "2024-03-01T10:04:05.123Z"},
		{"DD.MM.YYYY HH:mm", "Europe/Berlin", "31.07.2024 23:59", "2024-07-31T21:59:00.000Z"},
		{"02.01.2006 15:04", "", "31.07.2024 23:59", "2024-07-31T23:59:00.000Z"},
		{"M/D/YY h:mm A", "", "7/4/24 1:05 PM", "2024-07-04T13:05:00.000Z"},
		{"DD MMM YYYY, HH:mm:ss.SSS", "", "04 Jul 2024, 13:05:01.250", "2024-07-04T13:05:01.250Z"},
		{"YYYY-MM-DD", "America/New_York", "2024-07-04", "2024-07-04T04:00:00.000Z"},
		{"DD/MM/YYYY HH:mm ZZ", "", "04/07/2024 13:05 +0200", "2024-07-04T11:05:00.000Z"},
		{"YYYYMMDDHHmmss", "", "20240704130501", "2024-07-04T13:05:01.000Z"},
		{"unix_s", "", "soon", ""},
		{"unix_ms", "", "99999999999999999999", ""},
		{"unix_ms", "", "NaN", ""},
		{"", "", "31.07.2024 23:59", ""},
		{"DD.MM.YYYY", "", "31.02.2024", ""},
	} {
		times, err := Mapping{Time: tt.format, Zone: tt.zone}.Times()
		if err != nil {
			t.Errorf("%s: %v", tt.format, err)
			continue
		}
		got, ok := times.Parse(tt.text)
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("%s in %q, %q is %s, %t; want %s", tt.format, tt.zone, tt.text, got, ok, tt.want)
		}
	}
}

func TestPricesAndQuantities(t *testing.T) {
	for _, tt := range []struct {
		text  string
		comma bool
		want  string
	}{
		{"12.5", false, "12.5"},
		{"12,5", true, "12.5"},
		{"1.234,56", true, "1234.56"},
		{"1,234.56", false, "1234.56"},
		{"1'234.50", false, "1234.5"},
		{"1 234,50 €", true, "1234.5"},
		{"€12", true, "12"},
		{"$1,234", false, "1234"},
		{"EUR 12,99", true, "12.99"},
		{"12.99 USD", false, "12.99"},
		{"1.234", true, "1234"},
		{"1.234", false, "1.234"},
		{"0", true, "0"},
		{"1.5e3", false, "1500"},
		{"+1,50", true, "1.5"},
		{"-0", false, "0"},
		{"1.", false, ""},
		{"12,5", false, ""},
		{"12.5", true, ""},
		{"1,2,3", true, ""},
		{"-3", true, ""},
		{"free", false, ""},
		{"", true, ""},
		{"€", true, ""},
	} {
		got, ok := ParsePrice(tt.text, tt.comma)
		if ok != (tt.want != "") || ok && string(event.AppendPrice(nil, got)) != tt.want {
			t.Errorf("%q (decimal comma %t) is %d, %t; want %s", tt.text, tt.comma, got, ok, tt.want)
		}
	}
	for text, want := range map[string]int32{"1": 1, "2.0": 2, "1,000": 1000, "0": 0, "1.5": 0, "x": 0, "3000000000": 0} {
		if got, ok := ParseQuantity(text, false); ok != (want > 0) || ok && got != want {
			t.Errorf("quantity %q is %d, %t; want %d", text, got, ok, want)
		}
	}
}
