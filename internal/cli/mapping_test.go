package cli

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// laden is a file of a German shop.
const laden = `Datum;Uhrzeit;Aktion;Artikel-Nr.;Kunde;Preis;Kampagne
24.11.2026;10:04;Ansicht;A-17;k-204;1.249,00;herbst
24.11.2026;10:06;Kauf;A-17;k-204;1.249,00;
`

func TestAFileOfNoKnownFormatSaysWhatItLooksLike(t *testing.T) {
	file := tempFile(t, "laden.csv", laden)
	folder := filepath.Join(t.TempDir(), "none")
	status, _, errOut := run(t, "analyze", "--data-dir", folder, file)
	for _, want := range []string{
		"is of no known format", "event_type:Ansicht=view,Kauf=purchase", "timestamp=Datum+Uhrzeit", "decimal=comma",
		`"event_type":"view","timestamp":"2026-11-24T10:04:00.000Z","user_id":"k-204","product_id":"A-17","price":1249`,
		"give --map auto to read it like this",
	} {
		if status != exitFailed || !strings.Contains(unwrapped(errOut), want) {
			t.Errorf("status %d, want %q in %s", status, want, errOut)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Error("the folder was made")
	}
	status, _, errOut = run(t, "analyze", tempFile(t, "letter.txt", "Dear Sir or Madam,\nplease find enclosed\n"))
	if status != exitFailed || !strings.Contains(unwrapped(errOut), "event_type: no column holds words") || !strings.Contains(errOut, "--map auto,product_id=COLUMN") {
		t.Errorf("a letter: status %d, said %s", status, errOut)
	}
}

func TestAMappedFileIsAnalyzed(t *testing.T) {
	file := tempFile(t, "laden.csv", laden)
	saved := filepath.Join(t.TempDir(), "laden.yaml")
	args := map[string][]string{
		"auto":      {"--map", "auto", "--save-map", saved},
		"auto more": {"--map", "auto,zone=Europe/Berlin"},
		"whole": {"--map", "event_type=Aktion,event_type:Ansicht=view,Kauf=purchase,timestamp=Datum+Uhrzeit,product_id=Artikel-Nr.," +
			"user_id=Kunde,price=Preis,time=DD.MM.YYYY HH:mm,decimal=comma"},
		"saved": {"--map", "@" + saved},
	}
	for _, name := range []string{"auto", "auto more", "whole", "saved"} {
		found := analyzed(t, append(args[name], file)...)
		if found.Events.Accepted != 2 || len(found.Days) != 1 || found.Days[0].Segments.Buyer != 1 || found.Days[0].TopProducts[0].AveragePrice.String() != "1249" {
			t.Errorf("%s: %+v, %+v", name, found.Events, found.Days)
		}
	}
	status, out, errOut := run(t, "ingest", "inspect", "--output", "json", file)
	if status != exitDone || !strings.Contains(out, `"map": "event_type=Aktion,`) || !strings.Contains(errOut, "Its first 2 events would be:") {
		t.Errorf("inspect: status %d: %s%s", status, out, errOut)
	}
}

func TestAWrongMappingIsRefused(t *testing.T) {
	file := tempFile(t, "laden.csv", laden)
	broken := tempFile(t, "broken.yaml", "columns: [a]\n")
	for want, c := range map[string]struct {
		args   []string
		status int
	}{
		`"foo" is neither a field nor a setting`: {[]string{"--map", "foo=bar"}, exitUsage},
		"no such file":                           {[]string{"--map", "@" + file + ".yaml"}, exitUsage},
		"broken.yaml: ":                          {[]string{"--map", "@" + broken}, exitUsage},
		"both a mapping and the format rees46":   {[]string{"--map", "auto", "--format", "rees46"}, exitFailed},
		"Aktionen":                               {[]string{"--map", "event_type=Aktionen,timestamp=Datum,user_id=Kunde"}, exitFailed},
		`encoding "klingon" is not known`:        {[]string{"--map", "auto", "--encoding", "klingon"}, exitFailed},
	} {
		status, _, errOut := run(t, append(append([]string{"ingest", "inspect"}, c.args...), file)...)
		if status != c.status || !strings.Contains(errOut, want) {
			t.Errorf("%v: status %d, said %q, want %d, %q", c.args, status, errOut, c.status, want)
		}
	}
}

func TestAMappingIsSavedOnlyWhereThereIsOne(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "x.yaml")
	other := tempFile(t, "clicks.csv", "event,ts,sku,uid\nview,2026-11-24T10:00:00Z,a,b\n")
	for want, files := range map[string][]string{
		"there is no mapping, as the files are of known formats": {"testdata/shop.csv"},
		"read by different mappings":                             {tempFile(t, "laden.csv", laden), other},
	} {
		status, _, errOut := run(t, append([]string{"ingest", "inspect", "--save-map", saved}, files...)...)
		if _, err := os.Stat(saved); status != exitUsage || !strings.Contains(errOut, want) || !os.IsNotExist(err) {
			t.Errorf("status %d, said %q, want %q", status, errOut, want)
		}
	}
}

// unwrapped is text with its lines joined.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestTheColumnsOfACutOffFileAreGuessed(t *testing.T) {
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	row := "view,2026-11-24T10:00:%02dZ,%d,%d\n"
	text := "event,ts,sku,uid\n"
	for i := range 60 {
		text += fmt.Sprintf(row, i, i*7919, i*104729)
	}
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	status, out, errOut := run(t, "ingest", "inspect", tempFile(t, "cut.gz", packed.String()[:packed.Len()*3/4]))
	if status != exitFailed || !strings.Contains(out, ": mapped\n") || !strings.Contains(errOut, "the packed file is cut off after line ") {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
}

func TestAPipeReadInOnePassIsNotGuessed(t *testing.T) {
	var out, errOut strings.Builder
	status := Main([]string{"ingest", "file", "--order", "file", "--map", "auto", "--data-dir", t.TempDir(), "-"}, strings.NewReader(laden), &out, &errOut)
	if status != exitFailed || !strings.Contains(errOut.String(), "cannot be guessed; or give --order time") {
		t.Errorf("status %d: %s", status, errOut.String())
	}
}

func TestAMappingIsOneWordOfACommandLine(t *testing.T) {
	for text, want := range map[string]string{
		"source='a',price=p": `"source='a',price=p"`, `a="b",c='d'`: `'a="b",c='\''d'\'''`,
	} {
		if got := quoted(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// The question for a guess takes y alone for a yes; a file is not imported by a
// guess that nobody has confirmed.
func TestAPersonIsAskedForAGuessOnATerminal(t *testing.T) {
	path := tempFile(t, "laden.csv", laden)
	for answer, taken := range map[string]bool{"y\n": true, "n\n": false, "\n": false, "": false} {
		shown, err := os.Create(filepath.Join(t.TempDir(), "shown"))
		if err != nil {
			t.Fatal(err)
		}
		defer shown.Close()
		terminal := &terminal{in: strings.NewReader(answer), out: io.Discard, err: shown, inTTY: true, errTTY: true}
		s := terminal.status()
		flags := fileFlags{Files: []string{path}, Format: "auto", MaxRejected: 1}
		im, err := flags.open(t.Context(), terminal, s, orderFlags{Order: "time", SortMemory: 1}, time.Minute)
		if taken {
			if err != nil || im.Survey().Files[0].Valid() != 2 {
				t.Errorf("answer %q: error is %v", answer, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "nothing is imported: ") || !strings.Contains(err.Error(), "give --map auto to read it like this") {
			t.Errorf("answer %q: error is %v", answer, err)
		}
		if im != nil {
			im.Close()
		}
		text, err := os.ReadFile(shown.Name())
		if err != nil {
			t.Fatal(err)
		}
		asked := string(text)
		if strings.Count(asked, "Read it like this? [y/N] ") != 1 || strings.Index(asked, "Its first 2 events would be:") > strings.Index(asked, "Read it like this?") {
			t.Errorf("answer %q: shown is %s", answer, asked)
		}
	}
}
