package formats

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/mapping"
)

// The example of docs/files.md is read as it says, by the mapping in one line
// and by the same one as YAML, and every entry of its table can be parsed.
func TestDocsFilesExamplesAreReadAsTheySay(t *testing.T) {
	text, err := os.ReadFile("../../docs/files.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string]string)
	for _, block := range regexp.MustCompile("(?s)<!-- (\\S+) -->\n```\\w+\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		blocks[block[1]] = block[2]
	}
	m := parsed(t, blocks["map"])
	loaded, err := mapping.Load(strings.NewReader(blocks["yaml"]))
	if err != nil || !reflect.DeepEqual(loaded, *m) {
		t.Errorf("the YAML is %s, %v; want %s", loaded, err, m)
	}
	var saved strings.Builder
	if err := m.Save(&saved); err != nil || strings.TrimSpace(saved.String()) != blocks["yaml"] {
		t.Errorf("the mapping is saved as\n%s", saved.String())
	}
	var events []string
	for _, r := range readWith(t, strings.NewReader(blocks["shop.csv"]), Options{Mapping: m}) {
		events = append(events, brief(r))
	}
	if got := strings.Join(events, "\n"); got != blocks["events"] {
		t.Errorf("the events are\n%s\nwant\n%s", got, blocks["events"])
	}
	guess, err := mapped.Guess(strings.NewReader(blocks["shop.csv"]), mapping.Mapping{})
	if want := strings.NewReplacer("source='laden',", "", "zone=Europe/Berlin,", "").Replace(m.String()) + ",separator=;"; err != nil || guess.Mapping.String() != want {
		t.Errorf("the file is guessed as %s, %v; want %s", guess.Mapping, err, want)
	}
	entries := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1)
	if len(entries) != 15 {
		t.Errorf("the table has %d entries", len(entries))
	}
	for _, entry := range entries {
		flag := "auto," + entry[1]
		if entry[1] == "auto" {
			flag = entry[1]
		}
		if _, err := mapping.Parse(flag); err != nil {
			t.Errorf("%s: %v", entry[1], err)
		}
	}
}
