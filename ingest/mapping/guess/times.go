package guess

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// guessedTime is what a column of times looks like.
type guessedTime struct {
	format   string // as in Mapping.Time; "": none fits
	dateOnly bool
	zoneless bool
	other    string // another format that fits as well: the day and the month exchanged
}

// enough is the share of a column's texts that have to fit a guess, in percent.
const enough = 80

// layouts are those that are tried, by the signature of their times, padded
// ones first.
var layouts = sync.OnceValue(func() map[string][]string {
	dates := []string{
		"YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYY-M-D", "YYYY/M/D", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY", "MM-DD-YYYY",
		"D.M.YYYY", "D/M/YYYY", "M/D/YYYY", "D-M-YYYY", "M-D-YYYY", "DD.MM.YY", "DD/MM/YY", "MM/DD/YY", "D.M.YY", "D/M/YY", "M/D/YY",
		"DD MMM YYYY", "D MMM YYYY", "D MMMM YYYY", "MMM D, YYYY", "MMMM D, YYYY", "MMM D YYYY", "DD-MMM-YYYY", "DD/MMM/YYYY", "DD-MMM-YY", "YYYYMMDD",
	}
	times := []string{"HH:mm:ss", "HH:mm", "h:mm:ss A", "h:mm A", "h:mm:ss a", "h:mm a", "HH.mm", "HH.mm.ss", "HHmmss", "HH"}
	all := []string{"YYYYMMDDHHmmss", "YYYYMMDDHHmm"}
	for _, date := range dates {
		all = append(all, date)
		for _, of := range times {
			for _, join := range []string{" ", "T", ", ", ":", ""} {
				for _, zone := range []string{"", "Z", " Z", "ZZ", " ZZ", " UTC", " GMT"} {
					if join != "" || of == "HHmmss" {
						all = append(all, date+join+of+zone)
					}
				}
			}
		}
	}
	by := make(map[string][]string)
	for _, layout := range all {
		goes := mapping.Layout(layout)
		for _, zone := range []*time.Location{time.FixedZone("", 3600), time.UTC} {
			s := signature(time.Date(2021, 11, 23, 16, 47, 58, 0, zone).Format(goes))
			if !slices.Contains(by[s], layout) {
				by[s] = append(by[s], layout)
			}
		}
	}
	return by
})

// signature is a text with one 0 for a run of digits and one a for a run of
// letters, without the fraction of a second.
func signature(text string) string {
	var b []byte
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c = '0'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			c = 'a'
		case c == '+':
			c = '-'
		}
		if n := len(b); n > 0 && b[n-1] == c && (c == '0' || c == 'a') {
			continue
		}
		b = append(b, c)
	}
	s := strings.Replace(string(b), ":0:0.0", ":0:0", 1)
	return strings.Replace(s, ":0:0,0", ":0:0", 1)
}

// guessTime finds the format of a column's texts. commas says that the file's
// separator is a comma.
func guessTime(texts []string, commas bool) guessedTime {
	if len(texts) == 0 {
		return guessedTime{}
	}
	for _, format := range []string{mapping.RFC3339, "unix_s", "unix_ms", "unix_us", "unix_ns"} {
		times, _ := mapping.Mapping{Time: format}.Times()
		if fits(texts, format, times) {
			zoned := format != mapping.RFC3339 || !slices.ContainsFunc(texts, func(s string) bool {
				return len(s) < 20 || !strings.ContainsAny(s[19:], "Zz+-U")
			})
			return guessedTime{format: format, zoneless: !zoned}
		}
	}
	var found []string
	for _, layout := range layouts()[commonSignature(texts)] {
		times, _ := mapping.Mapping{Time: layout}.Times()
		if fits(texts, layout, times) {
			found = append(found, layout)
		}
	}
	if len(found) == 0 {
		return guessedTime{}
	}
	best := mostFitting(texts, found)
	g := guessedTime{format: best, dateOnly: !strings.ContainsAny(best, "Hh"), zoneless: !strings.ContainsAny(best, "ZUG")}
	if other := exchanged(best); slices.Contains(found, other) && !sameTimes(texts, best, other) {
		g.other = other
		if likelier(texts, other, best, commas) {
			g.format, g.other = other, best
		}
	}
	return g
}

// fits says whether enough of the texts are times of that format after 2000 and
// before 2100.
func fits(texts []string, format string, times mapping.Times) bool {
	unix := strings.HasPrefix(format, "unix_")
	from := event.MillisOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	to := event.MillisOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	n := 0
	for _, text := range texts {
		if at, ok := times.Parse(text); ok && at >= from && at < to && (!unix || long(text)) {
			n++
		}
	}
	return n*100 >= len(texts)*enough
}

// long keeps numbers such as 20240101 apart from Unix times.
func long(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && f >= 946684800
}

func commonSignature(texts []string) string {
	count := make(map[string]int)
	best := ""
	for _, text := range texts {
		s := signature(text)
		if count[s]++; count[s] > count[best] {
			best = s
		}
	}
	return best
}

// mostFitting is the first of the layouts that fit the most texts.
func mostFitting(texts, found []string) string {
	best, most := "", -1
	for _, layout := range found {
		if n := len(parsed(texts, layout)); n > most {
			best, most = layout, n
		}
	}
	return best
}

func parsed(texts []string, layout string) []event.Millis {
	times, _ := mapping.Mapping{Time: layout}.Times()
	var all []event.Millis
	for _, text := range texts {
		if at, ok := times.Parse(text); ok {
			all = append(all, at)
		}
	}
	return all
}

// exchanged is a layout with its day and month exchanged.
func exchanged(layout string) string {
	if strings.Contains(layout, "MMM") {
		return ""
	}
	// The minutes are mm, so M and D are only in the date.
	return strings.Map(func(r rune) rune {
		switch r {
		case 'M':
			return 'D'
		case 'D':
			return 'M'
		}
		return r
	}, layout)
}

func sameTimes(texts []string, a, b string) bool {
	return slices.Equal(parsed(texts, a), parsed(texts, b))
}

// likelier says whether layout a is likelier than b where both fit: the one by
// which the file is sorted; else months come first with AM and PM, and in
// files with slashes and commas.
func likelier(texts []string, a, b string, commas bool) bool {
	if na, nb := rising(parsed(texts, a)), rising(parsed(texts, b)); na != nb {
		return na > nb
	}
	monthFirst := strings.ContainsAny(a, "Aa") || commas && strings.Contains(a, "/")
	return strings.HasPrefix(a, "M") == monthFirst && !strings.HasPrefix(a, "Y")
}

func rising(times []event.Millis) int {
	n := 0
	for i := 1; i < len(times); i++ {
		if times[i] >= times[i-1] {
			n++
		}
	}
	return n
}

// timeOfDay is the format of a column that holds times of a day, or empty.
func timeOfDay(texts []string) string {
	for _, layout := range []string{"HH:mm:ss", "HH:mm", "h:mm:ss A", "h:mm A", "h:mm:ss a", "h:mm a", "HH.mm", "HHmmss"} {
		goes := mapping.Layout(layout)
		n := 0
		for _, text := range texts {
			if _, err := time.Parse(goes, text); err == nil {
				n++
			}
		}
		if n > 0 && n*100 >= len(texts)*enough {
			return layout
		}
	}
	return ""
}
