package event

import (
	"testing"
	"time"
)

func TestDurationsAreShortForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m", 10 * time.Second: "10s",
		20 * time.Hour: "20h", 1500 * time.Millisecond: "1.5s", 0: "0s",
	} {
		if got := ShortDuration(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
	for definition, want := range map[string]string{
		DefaultRule().String(): "flash_sale(views>100,purchases<5,window=10m,slide=1m,lateness=1m)",
		`a(count("h0m0s")>1,window=20h0m0s,slide=1h30m0s,lateness=0s)`: `a(count("h0m0s")>1,window=20h,slide=1h30m,lateness=0s)`,
		"unknown": "unknown",
	} {
		if got := ShortRule(definition); got != want {
			t.Errorf("%s: got %s, want %s", definition, got, want)
		}
	}
}
