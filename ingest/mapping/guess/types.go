package guess

import "strings"

// typesOf are the event types by the words that files have for them.
var typesOf = func() map[string]string {
	all := make(map[string]string)
	for eventType, words := range wordLists(typesText) {
		for _, word := range words {
			all[word] = eventType
		}
	}
	return all
}()

// typeOf returns the event type that a file's word stands for.
func typeOf(word string) (eventType string, known bool) {
	eventType, known = typesOf[fold(word)]
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
