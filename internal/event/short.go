package event

import (
	"strings"
	"time"
)

// ShortDuration is a duration for people, without the zeros that String ends it
// with: 10m, 1h30m.
func ShortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// shorter shortens the durations of a definition; no condition has such a text
// before a comma or a parenthesis.
var shorter = strings.NewReplacer("h0m0s,", "h,", "h0m0s)", "h)", "m0s,", "m,", "m0s)", "m)")

// ShortRule is a rule's definition for people. Alerts are stored and found by the
// definition itself.
func ShortRule(definition string) string { return shorter.Replace(definition) }
