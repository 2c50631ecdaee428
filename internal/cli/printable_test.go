package cli

import (
	"bytes"
	"strings"
	"testing"

	"clickstream/internal/event"
)

// hostile clears a terminal, sets its title, and turns text round.
const hostile = "p\x1b[2J\u009b31m\x07\u202etxt\x00\u2066"

func TestNothingFromAClientReachesATerminalRaw(t *testing.T) {
	if got, want := printable("a\tb\n\x1b[2J\u009b\u202e\xff é日"), `a\tb\n\x1b[2J\u009b\u202e\xff é日`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, show := range map[string]func(*terminal){
		"alerts": func(term *terminal) {
			_ = (&alertsListCmd{Output: "text"}).print(term, event.Alert{ProductID: hostile})
		},
		"episodes": func(term *terminal) {
			_ = (&alertsListCmd{Output: "text"}).printEpisode(term, episode{ID: hostile, ProductID: hostile, Status: hostile, Rule: hostile})
		},
		"trace": func(term *terminal) {
			printTrace(term, hostile, []traced{{Type: hostile, Key: hostile}}, []rejectedRecord{{Reason: "bad_time", Field: hostile, Message: hostile, Origin: hostile}})
		},
		"sql": func(term *terminal) { table(term.out, []string{hostile}, [][]string{{hostile}}) },
		"demo": func(term *terminal) {
			v := &demoView{t: term, s: term.status(), episodes: make(episodes)}
			v.alert(event.Alert{ProductID: hostile, Status: event.Firing})
			v.show()
		},
	} {
		var out bytes.Buffer
		show(&terminal{out: &out, err: &out})
		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unprintable(r) }); i >= 0 {
			t.Errorf("%s printed %q", name, out.String())
		}
	}
}
