package columns

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWidthCountsPlacesOfATerminal(t *testing.T) {
	for text, want := range map[string]int{"": 0, "shoes": 5, "schön": 5, "e\u0301": 1, "日本語": 6, "ｶﾅ": 2, "ＡＢ": 4, "한국": 4, "🛒 cart": 7, "a\u200bb": 2, "…": 1} {
		if got := Width(text); got != want {
			t.Errorf("%q takes %d places, want %d", text, got, want)
		}
	}
}

func TestTextIsClipped(t *testing.T) {
	for _, c := range []struct {
		text        string
		n           int
		end, middle string
	}{
		{"electronics.audio.headphone", 12, "electronics…", "electr…phone"},
		{"shoes", 5, "shoes", "shoes"},
		{"shoes", 4, "sho…", "sh…s"},
		{"shoes", 2, "s…", "s…"},
		{"shoes", 1, "…", "…"},
		{"shoes", 0, "", ""},
		{"日本語日本語", 8, "日本語…", "日本…語"},
		{"日本語日本語", 7, "日本語…", "日…語"},
		{"cafe\u0301 and more", 6, "cafe\u0301 …", "caf…re"},
	} {
		if end, middle := Clip(c.text, c.n), ClipMiddle(c.text, c.n); end != c.end || middle != c.middle {
			t.Errorf("%q in %d places: %q and %q, want %q and %q", c.text, c.n, end, middle, c.end, c.middle)
		}
	}
}

func TestTextIsWrapped(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 5, []string{""}},
		{" one two  three ", 8, []string{"one two", "three"}},
		{"a longword b", 4, []string{"a", "long", "word", "b"}},
		{"日本語 x", 5, []string{"日本", "語 x"}},
		{"日本", 1, []string{"日", "本"}},
	} {
		if got := Wrap(c.text, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d places: %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

func TestTableAlignsWideCharacters(t *testing.T) {
	var b strings.Builder
	err := Table{Indent: 2, Columns: []Column{{Heading: "name"}, {Heading: "views", Number: true}, {}}, Rows: [][]string{
		{"日本語", "1,200", ""},
		{"shoes", "7", "best"},
	}}.Print(&b)
	const want = "  name    views\n" +
		"  日本語  1,200\n" +
		"  shoes       7  best\n"
	if err != nil || b.String() != want {
		t.Errorf("%v, got\n%swant\n%s", err, b.String(), want)
	}
}

func TestTableShortensTextBeforeNumbers(t *testing.T) {
	var b strings.Builder
	err := Table{Width: 26, Columns: []Column{{}, {Number: true}, {}}, Rows: [][]string{
		{"a very long name", "12,345", "and another one"},
	}}.Print(&b)
	if want := "a ve…ame  12,345  and …one\n"; err != nil || b.String() != want {
		t.Errorf("%v, got %q, want %q", err, b.String(), want)
	}
}

func FuzzTableKeepsItsWidth(f *testing.F) {
	f.Add("日本語のカテゴリー", "123,456,789", "x", uint8(20))
	f.Add("e\u0301e\u0301e\u0301e\u0301", "\xff\xfe", strings.Repeat("🛒", 40), uint8(9))
	f.Fuzz(func(t *testing.T, name, number, other string, most uint8) {
		if strings.ContainsAny(name+number+other, "\n") {
			t.Skip("a cell is one line")
		}
		limit := max(int(most), 9) // two gaps, an indent of two, and a place a column
		var b strings.Builder
		table := Table{Indent: 2, Width: limit, Columns: []Column{{Heading: "name"}, {Heading: "n", Number: true}, {Heading: "other"}},
			Rows: [][]string{{name, number, other}, {other, name, number}}}
		if err := table.Print(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := Width(strings.TrimSuffix(line, "\n")); n > limit || utf8.ValidString(name+"|"+number+"|"+other) && !utf8.ValidString(line) {
				t.Errorf("%q takes %d places, at most %d are allowed", line, n, limit)
			}
		}
	})
}
