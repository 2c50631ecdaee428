package formats

import (
	"bytes"
	"strings"
	"testing"

	"clickstream/ingest/formats/formatstest"
	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// TestTenFilesOfStrangers reads files whose names, separators, encodings and
// times come from a seed by what is guessed of them.
func TestTenFilesOfStrangers(t *testing.T) {
	right := 0
	for _, seed := range formatstest.Ten {
		if readStranger(t, seed) {
			right++
		}
	}
	if right < 9 {
		t.Errorf("%d of 10 files are read right, want 9", right)
	}
}

// TestManyFilesOfStrangers: what is guessed is right, or it is not used.
func TestManyFilesOfStrangers(t *testing.T) {
	const files = 150
	right := 0
	for seed := range uint64(files) {
		if readStranger(t, 1000+seed) {
			right++
		}
	}
	t.Logf("%d of %d files are read right", right, files)
	if right < files*85/100 {
		t.Errorf("%d of %d files are read right, want 85%%", right, files)
	}
}

// readStranger says whether a seed's file gives its events. If not, there has
// to be a sentence that says what to give.
func readStranger(t *testing.T, seed uint64) bool {
	t.Helper()
	file, err := formatstest.Stranger(seed)
	if err != nil {
		t.Fatal(err)
	}
	guess, err := mapped.Guess(strings.NewReader(file.Content), mapping.Mapping{})
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
		return false
	}
	if len(guess.Missing) > 0 {
		if !file.Hard {
			t.Logf("seed %d: %s misses %q", seed, guess.Mapping, guess.Missing)
		}
		for _, sentence := range guess.Missing {
			if !strings.Contains(sentence, "=") {
				t.Errorf("seed %d: %q does not say what to give", seed, sentence)
			}
		}
		return false
	}
	// What is shown to copy has to mean the same.
	m, err := mapping.Parse(guess.Mapping.String())
	if err != nil {
		t.Errorf("seed %d: the guess %s is not a mapping: %v", seed, guess.Mapping, err)
		return false
	}
	reader, err := Open(strings.NewReader(file.Content), Options{Mapping: &m, WithoutIDs: true})
	if err != nil {
		t.Errorf("seed %d: by the guess %s: %v", seed, guess.Mapping, err)
		return false
	}
	defer reader.Close()
	for i, want := range file.Events {
		var e event.Event
		if err := reader.Next(&e); err != nil {
			t.Errorf("seed %d, row %d by the guess %s: %v", seed, i+1, guess.Mapping, err)
			return false
		}
		if strings.Contains(e.Properties, "@") {
			t.Errorf("seed %d, row %d by the guess %s has an e-mail address: %s", seed, i+1, guess.Mapping, e.Properties)
			return false
		}
		if got := formatstest.Shown(&e); got != want {
			first, _, _ := bytes.Cut([]byte(file.Content), []byte{'\n'})
			t.Errorf("seed %d, row %d of %q by the guess %s is\n%s\nwant\n%s", seed, i+1, first, guess.Mapping, got, want)
			return false
		}
	}
	return true
}
