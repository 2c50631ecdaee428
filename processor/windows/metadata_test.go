package windows

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func TestW6_MetadataIsWrittenAndReadBack(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	check := func(offset int64, want string) {
		t.Helper()
		want = "2 rules=" + flashSale(workedRule).Hash() + "@none " + want + " alerts_from=0"
		gotOffset, got := p.Commit()
		if gotOffset != offset || got != want {
			t.Fatalf("%d %q\nnot %d %q", gotOffset, got, offset, want)
		}
		q, err := Resume(lookup(workedRule), gotOffset, got)
		if err != nil {
			t.Fatal(err)
		}
		resumed, again := q.Commit()
		if q.readTo(q.acknowledged); resumed != offset || q.acknowledged != p.offset || q.judged != p.judged {
			t.Fatalf("%q came back as %q", got, again)
		}
		for i := range len(got) {
			if got[i] < ' ' || got[i] > '~' {
				t.Fatalf("%q is not printable", got)
			}
		}
		if len(got) > 1024 {
			t.Fatalf("%d bytes", len(got))
		}
	}
	check(0, "acknowledged=0 last_value=-1 event_watermark=none watermark=none quiet_ms=0 newest=none judged=all")
	steps := workedLog()
	for _, s := range steps[:19] {
		p.take(s.Record)
	}
	p.Changed(nil)
	// Window 100 s and 95 s hold q's view, which is record 5; before it the
	// watermark was 2 s after noon.
	check(5, fmt.Sprintf("acknowledged=19 last_value=4 event_watermark=%d watermark=%d quiet_ms=0 newest=%d judged=all", noon+2000, noon+2000, noon+3000))
	p.take(steps[19].Record)
	check(20, fmt.Sprintf("acknowledged=20 last_value=17 event_watermark=%d watermark=%d quiet_ms=96000 newest=%d judged=all", noon+14000, noon+110000, noon+104000))

	// Where the log is cut, windows are judged from five minutes after its first
	// event was received: 301 s after noon, so from window 305 s on.
	p = New(flashSale(workedRule), 100, true)
	check(100, "acknowledged=100 last_value=-1 event_watermark=none watermark=none quiet_ms=0 newest=none judged=none")
	first := steps[0].Record
	first.Offset = 100
	p.take(first)
	check(101, fmt.Sprintf("acknowledged=101 last_value=100 event_watermark=%d watermark=%d quiet_ms=0 newest=%d judged=%d", noon-1000, noon-1000, noon+1000, noon+301_000))
}

// version1 and version2 are metadata of a partition that is judged by workedRule.
var (
	version1 = "1 rule=" + workedRule.Hash() + " told=20 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all"
	version2 = "2 rules=" + flashSale(workedRule).Hash() + "@none acknowledged=20 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 newest=9 judged=all alerts_from=30"
)

func TestW6_ACommitThatMeansNothingStartsAtTheBeginning(t *testing.T) {
	other := workedRule
	other.Lateness += time.Second
	for _, good := range []string{version1, version2} {
		if _, err := Resume(lookup(workedRule), 5, good); err != nil {
			t.Fatal(err)
		}
		if _, err := Resume(lookup(other), 5, good); err == nil {
			t.Fatal("another rule")
		}
		replaced := func(text, by string) string { return strings.Replace(good, text, by, 1) }
		for _, bad := range []string{
			"", good[:1], "3" + good[1:], "0" + good[1:], "x" + good[1:], good + " more", good + " =1", good + "  more=1", good[:len(good)-3] + "some",
			"2" + version1[1:], "1" + version2[1:],
			replaced("=20 ", "=4 "),
			replaced("last_value=4", "last_value=5"),
			replaced(" watermark=7", " watermark=6"),
			replaced("last_value=4 event_watermark=7", "event_watermark=7 last_value=4"),
			replaced("quiet_ms=0", "quiet_ms=-1"),
			replaced("alerts_from=30", "alerts_from=-1"), replaced("alerts_from=30", "alerts_from=none"),
			replaced("@none", ""), replaced("@none", "@10"), replaced("@none", "@none,x@none"), replaced("@none", "@all"),
			replaced("@none", "@8,"+flashSale(workedRule).Hash()+"@9"),
			replaced("@none", "@8"+strings.Repeat(","+flashSale(workedRule).Hash()+"@8", maxGenerations)),
		} {
			if bad == good { // what is replaced is only in the other version
				continue
			}
			if _, err := Resume(lookup(workedRule), 5, bad); err == nil {
				t.Errorf("%q is taken for a commit", bad)
			}
		}
	}
}

// What version 1 says is what the rule of its time needs.
func TestW6_MetadataOfVersion1IsRead(t *testing.T) {
	rule := workedRule
	p, err := Resume(lookup(rule), 5, strings.Replace(version1, "judged=all", "judged=70", 1))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(version2, "=20 ", "=5 ", 1)
	want = strings.Replace(want, "newest=9 judged=all", "newest=2007 judged=350000", 1)
	want = strings.Replace(want, "alerts_from=30", "alerts_from=0", 1)
	if p.readTo(20); p.acknowledged != 20 || p.rebuilding {
		t.Errorf("acknowledged up to %d, rebuilding %v", p.acknowledged, p.rebuilding)
	}
	if offset, got := p.Commit(); offset != 5 || got != want {
		t.Errorf("%q at %d,\nnot %q", got, offset, want)
	}
	unknown := func(string) (*rules.Set, error) { return nil, errors.New("not here") }
	if _, err := Resume(unknown, 5, version1); !errors.Is(err, ErrOtherRule) {
		t.Errorf("another rule: %v", err)
	}
	byDefault := strings.Replace(version1, workedRule.Hash(), event.DefaultRule().Hash(), 1)
	if p, err := Resume(unknown, 5, byDefault); err != nil || p.InForce().Hash() != rules.Default().Hash() {
		t.Errorf("the default rule: %v", err)
	}
	for _, metadata := range []string{version1, version2} {
		hash, offset, ok := AcknowledgedIn(metadata)
		if offset != 20 || !ok || hash != workedRule.Hash() && hash != flashSale(workedRule).Hash() {
			t.Errorf("%q: %s, %d, %v", metadata, hash, offset, ok)
		}
	}
}

func TestW6_MetadataOfANewerVersionIsNamed(t *testing.T) {
	for metadata, newer := range map[string]bool{"3" + version2[1:]: true, "10 else": true, "2": false, "1": false, "0" + version2[1:]: false, "v3": false, "": false} {
		if _, err := Resume(lookup(workedRule), 5, metadata); err == nil || errors.Is(err, ErrNewerVersion) != newer {
			t.Errorf("%q: %v", metadata, err)
		}
	}
}

// Instances of two versions take turns during a deploy: what the newer one has
// added is there when the partition comes back to it.
func TestW6_FieldsThatAreNotKnownAreKept(t *testing.T) {
	const more = " log=abc rules=a=b"
	good := strings.Replace(version2, "=20 ", "=5 ", 1) + more
	p, err := Resume(lookup(workedRule), 5, good)
	if err != nil {
		t.Fatal(err)
	}
	if _, metadata := p.Commit(); metadata != good {
		t.Errorf("%q is committed after %q", metadata, good)
	}
	p.take(workedLog()[6].Record)
	p.Acknowledge(p.Offset())
	if _, metadata := p.Commit(); !strings.HasSuffix(metadata, more) {
		t.Errorf("%q is committed after %q", metadata, good)
	}
	if q, err := Resume(lookup(workedRule), 5, strings.Replace(good, " alerts_from=30", "", 1)); err != nil || q.History().From() != 0 {
		t.Errorf("without alerts_from: %v", err)
	}
	if _, offset, ok := AcknowledgedIn(good); offset != 5 || !ok {
		t.Errorf("acknowledged in it is %d, %v", offset, ok)
	}
}
