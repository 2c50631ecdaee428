package guess

import "strings"

// typesOf are the event types by the words that files have for them, and tracked
// those of them that tracking tools specify.
var typesOf, tracked = func() (all, specified map[string]string) {
	all, specified = make(map[string]string), make(map[string]string)
	for name, words := range wordLists(typesText) {
		eventType, isTracked := strings.CutPrefix(name, "tracked ")
		for _, word := range words {
			all[word] = eventType
			if isTracked {
				specified[word] = eventType
			}
		}
	}
	return all, specified
}()

// typeOf returns the event type that a file's word stands for.
func typeOf(word string) (eventType string, known bool) {
	eventType, known = typesOf[fold(word)]
	return eventType, known
}

// TrackedType returns the event type that tracking tools specify for a name,
// which is in lower case and without separators.
func TrackedType(name []byte) (eventType string, known bool) {
	eventType, known = tracked[string(name)]
	return eventType, known
}

// snakeCase is a word as an event type, or empty where that is impossible.
func snakeCase(word string) string {
	s := strings.Join(words(word), "_")
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return ""
		}
	}
	if len(s) > 64 {
		return ""
	}
	return s
}
