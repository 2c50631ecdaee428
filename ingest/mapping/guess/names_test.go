package guess

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A word that is in two lists, or that folding changes, is never found.
func TestNamesAndTypesAreFound(t *testing.T) {
	types := make(map[string]string)
	for name, words := range wordLists(typesText) {
		eventType := strings.TrimPrefix(name, "tracked ")
		e := event.Event{ID: "1", Type: eventType, UserID: "u", ProductID: "p", Timestamp: 1 << 40, Quantity: 1}
		if err := e.Validate(1 << 41); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, word := range words {
			if types[word] != "" || fold(word) != word {
				t.Errorf("%q of %s is also of %s, or is not folded", word, eventType, types[word])
			}
			types[word] = eventType
		}
	}
	for field, names := range namesOf {
		if !slices.Contains(mapping.Fields(), field) {
			t.Errorf("%q is no field", field)
		}
		for _, name := range names {
			if fold(name) != name {
				t.Errorf("%q of %s is not folded", name, field)
			}
		}
	}
	if len(types) < 100 || len(namesOf) != len(mapping.Fields()) {
		t.Errorf("%d words for types and names for %d of %d fields", len(types), len(namesOf), len(mapping.Fields()))
	}
}
