package cli

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"clickstream/ingest/formats/formatstest"
)

// TestStrangersFilesAreReadByAuto inspects files of shops that nobody has met: at
// least nine of ten are read right, and the message for the others says what to
// give.
func TestStrangersFilesAreReadByAuto(t *testing.T) {
	right := 0
	for _, seed := range formatstest.Ten {
		file, err := formatstest.Stranger(seed)
		if err != nil {
			t.Fatal(err)
		}
		path := tempFile(t, "export.txt", file.Content)
		status, out, errOut := run(t, "ingest", "inspect", "--map", "auto", "--output", "json", path)
		if status != exitDone {
			said := unwrapped(errOut)
			if !strings.Contains(said, "say what they are, as in event_type:") || !strings.Contains(said, "give --map auto with what is missing") {
				t.Errorf("seed %d: status %d, and the message does not say what to do: %s", seed, status, errOut)
			}
			continue
		}
		var found []inspectedFile
		if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 {
			t.Errorf("seed %d: %v in %s", seed, err, out)
			continue
		}
		if got := found[0]; got.Events == int64(len(file.Events)) && len(got.Rejected) == 0 && maps.Equal(got.Types, file.Types) {
			right++
		} else {
			t.Errorf("seed %d: %d events of types %v, rejected %v, by %s; want %d, %v", seed, got.Events, got.Types, got.Rejected, got.Map, len(file.Events), file.Types)
		}
	}
	if right < 9 {
		t.Errorf("%d of 10 files are read right, want 9", right)
	}
}
