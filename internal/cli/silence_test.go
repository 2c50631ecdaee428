package cli

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/processor/notifier"
	"clickstream/processor/notifier/webhook"
)

func TestN1_SilencesAndAcknowledgementsAreKeptAndShown(t *testing.T) {
	s, engines := shopWithTables(t)
	s.Mirror()
	var sent atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent.Add(1) }))
	defer receiver.Close()
	n, err := notifier.New(notifier.Config{Broker: s.Broker, Receivers: []webhook.Receiver{{Name: "webhook", Format: webhook.JSON, URL: receiver.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	notifies := testwait.Run(t, n.Run)
	defer notifies.Stop()
	clickstream := func(status int, args ...string) string {
		t.Helper()
		got, out, errOut := run(t, append(append([]string{"alerts"}, args...), engines...)...)
		if got != status {
			t.Errorf("%v: status %d, %s%s", args, got, out, errOut)
		}
		return out + errOut
	}
	wants := func(out string, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if !strings.Contains(out, text) {
				t.Errorf("no %q in %s", text, out)
			}
		}
	}
	start := time.Now().UTC().Truncate(time.Minute)
	fires := func(product string) string {
		a := event.Alert{Rule: event.DefaultRule().String(), ProductID: product, WindowStart: start, WindowEnd: start.Add(10 * time.Minute), Status: event.Firing, Views: 101, Exact: true}
		a.ID = event.DefaultRule().AlertID(product, event.MillisOf(start))
		s.Produce(s.Alert(a))
		s.WaitStored()
		return a.ID
	}
	notices := func(texts ...string) {
		t.Helper()
		testwait.Until(t, "a notice is decided", func() bool {
			out := clickstream(exitDone, "notices")
			for _, text := range texts {
				if !regexp.MustCompile(text).MatchString(out) {
					return false
				}
			}
			return true
		})
	}
	wants(clickstream(exitDone, "silences"), "nothing is silenced\n")
	wants(clickstream(exitDone, "notices"), "no notices\n")

	made := clickstream(exitDone, "silence", "p\x1b1", "--for", "2h", "--reason", "a campaign", "--by", "ann")
	wants(made, `product p\x1b1 does not notify until `, `note: no event of product p\x1b1 from the last 7 days is stored`)
	id := regexp.MustCompile(`silence ([0-9a-f]{8}): `).FindStringSubmatch(made)[1]
	wants(clickstream(exitDone, "silences"), id, `product p\x1b1`, "ann", "a campaign")
	wants(clickstream(exitDone, "silences", "--output", "json"), `"silence_id":"`+id+`"`, `"by":"ann"`)
	fires("p\x1b1")
	loud := fires("p2")
	notices(`p\\x1b1 +flash_sale +first +webhook +silenced +0 +silence `+id, `p2 +flash_sale +first +webhook +sent +1`)

	wants(clickstream(exitDone, "ack", "p2", "--by", "bob", "--reason", "seen"), "bob has acknowledged episode "+loud+" of p2 (flash_sale)\n")
	wants(clickstream(exitDone, "notices", "--output", "json"), `"acknowledged_by":"bob"`, `"acknowledged_reason":"seen"`)
	wants(clickstream(exitDone, "ack", loud[:8], "--by", "eve"), "eve has acknowledged episode "+loud)
	notices(`p2 +flash_sale .* eve`)
	wants(clickstream(exitFailed, "ack", "nothing", "--by", "bob"), "no alert has an id")
	wants(clickstream(exitUsage, "ack", loud[:4], "--by", "bob"), "give at least its first 6 characters")
	wants(clickstream(exitDone, "notices", "--limit", "0"), loud[:8])

	wants(clickstream(exitDone, "unsilence", id, "--by", "bob"), "silence "+id+" has ended")
	wants(clickstream(exitDone, "silences"), "nothing is silenced\n")
	wants(clickstream(exitDone, "silences", "--all"), "ann, ended by bob")
	s.Produce(s.Event(event.Event{ID: "e", Type: event.TypeView, Timestamp: event.MillisOf(time.Now()), UserID: "u", ProductID: "seen", Quantity: 1}, time.Now()))
	s.WaitStored()
	if out := clickstream(exitDone, "silence", "seen", "--for", "2h", "--by", "ann"); strings.Contains(out, "note") {
		t.Errorf("a product with events is silenced: %s", out)
	}
	wants(clickstream(exitFailed, "unsilence", id, "--by", "bob"), `no silence that holds has the id "`+id+`"`)
	if n := sent.Load(); n != 1 {
		t.Errorf("%d notices were sent", n)
	}
}

func TestN1_ASilenceThatIsNotWholeIsRefused(t *testing.T) {
	t.Setenv("USER", "")
	for want, args := range map[string][]string{
		"give a product, or a rule with --rule NAME":   {"silence", "--for", "2h", "--by", "ann"},
		"give a product, or a rule":                    {"silence", "p1", "--rule", "hot", "--for", "2h", "--by", "ann"},
		`rule "hot(views>1)" is not a name`:            {"silence", "--rule", "hot(views>1)", "--for", "2h", "--by", "ann"},
		"for 0s: give 1s to 2160h":                     {"silence", "p1", "--for", "0s", "--by", "ann"},
		"say who you are with --by NAME: $USER is not": {"silence", "p1", "--for", "2h"},
		`by "` + strings.Repeat("y", 129):              {"silence", "p1", "--for", "2h", "--by", strings.Repeat("y", 129)},
		`--for: "1d" is not a duration: give hours`:    {"silence", "p1", "--for", "1d", "--by", "ann"},
		"limit is 0: give 1 or more":                   {"list", "--limit", "0"},
		"limit is -1: give 1 or more":                  {"list", "--limit", "-1", "--follow"},
		"reason has 1001 bytes":                        {"ack", "p1", "--by", "ann", "--reason", strings.Repeat("r", 1001)},
		"a product and a rule have at most 128 bytes":  {"silence", strings.Repeat("p", 129), "--for", "2h", "--by", "ann"},
		"missing flags: --for=DURATION":                {"silence", "p1", "--by", "ann"},
		"limit is -1: give 0 or more":                  {"notices", "--limit", "-1"},
	} {
		if status, _, errOut := run(t, append([]string{"alerts"}, args...)...); status != exitUsage || !strings.Contains(errOut, want) {
			t.Errorf("%v: status %d, no %q in %s", args, status, want, errOut)
		}
	}
}
