package guess

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
)

//go:embed names.txt
var namesText string

//go:embed types.txt
var typesText string

// namesOf are the names under which files have an event's fields, the likelier
// ones first.
var namesOf = wordLists(namesText)

// wordLists reads lists of words, each after a line with its name and a colon.
func wordLists(text string) map[string][]string {
	lists := make(map[string][]string)
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if before, ok := strings.CutSuffix(line, ":"); ok {
			name = before
			continue
		}
		lists[name] = append(lists[name], strings.Fields(line)...)
	}
	return lists
}

var plainLetters = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "â", "a",
	"í", "i", "ó", "o", "ò", "o", "ô", "o", "ú", "u", "ñ", "n", "ç", "c", "ã", "a", "õ", "o")

// words splits a name at separators and where capitals begin, without accents
// and in lower case.
func words(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r, lower = ' ', false
		case unicode.IsUpper(r):
			if lower {
				b.WriteByte(' ')
			}
			lower = false
		default:
			lower = true
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(plainLetters.Replace(b.String()))
}

// fold is a name without case, accents and separators.
func fold(name string) string { return strings.Join(words(name), "") }

// How well a column's name fits a field.
const (
	noName    = 0
	endName   = 1000 // it ends in the field's name
	innerName = 2000 // the last part of its path is the field's name
	wholeName = 3000
)

// idWords end the names of columns that hold ids.
var idWords = []string{"uuid", "guid", "key", "hash", "nr", "no", "number", "num", "code", "pk", "ident"}

// fit says how well a column's name fits a field: one of the levels and
// less than 1000 for a likelier name.
func fit(name, field string) int {
	best := noName
	score := func(level int, folded string) {
		for i, n := range namesOf[field] {
			if n == folded {
				best = max(best, level+900-i)
			}
		}
	}
	all := words(name)
	if len(all) == 0 {
		return noName
	}
	score(wholeName, strings.Join(all, ""))
	if last := len(all) - 1; last > 0 && slices.Contains(idWords, all[last]) {
		score(wholeName-100, strings.Join(all[:last], "")+"id")
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 && i < len(name)-1 {
		score(innerName, fold(name[i:]))
	}
	for i := 1; i < len(all); i++ {
		score(endName, strings.Join(all[i:], ""))
	}
	return best
}
