package mapped

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/ingest/mapping"
	"clickstream/ingest/mapping/guess"
	"clickstream/internal/event"
)

// guessBytes is how much of a file Guess reads at most.
const guessBytes = 1 << 20

// Guess guesses what given leaves open from the beginning of a file that
// is not packed, up to guessBytes of it. The error is that of reading, or that
// there is nothing to guess from.
func Guess(r io.Reader, given mapping.Mapping) (guess.Guess, error) {
	head, readErr := io.ReadAll(io.LimitReader(r, guessBytes))
	if err := readErr; err != nil && len(head) == 0 {
		return guess.Guess{}, fmt.Errorf("read the first rows: %w", err)
	}
	var doubts []string
	from, err := input.EncodingOf(head[:min(len(head), input.ShowsEncoding)], given.Encoding)
	if err != nil {
		return guess.Guess{}, err
	}
	if from == nil && given.Encoding == "" && input.SingleByte(head) {
		given.Encoding = "windows-1252"
		doubts = append(doubts, "The file is not UTF-8 and is read as windows-1252 (Latin-1); if names look wrong, give another one, as in encoding=windows-1250.")
	}
	inUTF8, err := input.Decoded(bytes.NewReader(head), given.Encoding)
	if err != nil {
		return guess.Guess{}, err
	}
	in := input.New(inUTF8)
	if err := in.Skip(given.Skip); err != nil {
		return guess.Guess{}, err
	}
	lines, err := in.Head()
	if err != nil {
		return guess.Guess{}, fmt.Errorf("read the first rows: %w", err)
	}
	if len(lines) == 0 {
		return guess.Guess{}, errors.New("the file is empty: there is nothing to guess from")
	}
	if given.Skip == 0 && !given.NoHeader && withShape(given, in).Kind == mapping.KindCSV {
		if given.Skip = preamble(in.Buffered(), given); given.Skip > 0 {
			doubts = append(doubts, fmt.Sprintf("The first lines, %d of them, come before the names of the columns and are skipped.", given.Skip))
			if err := in.Skip(given.Skip); err != nil {
				return guess.Guess{}, err
			}
		}
	}
	sample := guess.Sample{Given: withShape(given, in)}
	if given.Quote == 0 && sample.Given.Kind == mapping.KindCSV && quotedSingly(in.Buffered(), sample.Given.Separator) {
		given.Quote = '\''
		sample.Given = withShape(given, in)
	}
	whole := len(head) < guessBytes && readErr == nil
	if sample.Given.Kind == mapping.KindJSON {
		sample.Names, sample.Rows = sampleJSON(in)
	} else {
		in.AsLines()
		sample.Rows = sampleCSV(in, sample.Given, whole)
	}
	if len(sample.Rows) == 0 {
		return guess.Guess{}, fmt.Errorf("no row can be read: the file begins with %q", parse.Clip(lines[0], 80))
	}
	found := guess.From(sample)
	found.Doubts = append(doubts, found.Doubts...)
	// What is found from the first lines anyway only makes the flag longer.
	found.Mapping.Kind = given.Kind
	if found.Mapping.Quote == '"' {
		found.Mapping.Quote = given.Quote
	}
	if found.Mapping.Separator == ',' {
		found.Mapping.Separator = given.Separator
	}
	return found, nil
}

// quotedSingly says whether more fields begin and end with a single quote than
// with a double one.
func quotedSingly(head []byte, separator byte) bool {
	fields := func(quote byte) int {
		opens := bytes.Count(head, []byte{separator, quote}) + bytes.Count(head, []byte{'\n', quote})
		closes := bytes.Count(head, []byte{quote, separator}) + bytes.Count(head, []byte{quote, '\n'}) + bytes.Count(head, []byte{quote, '\r'})
		return min(opens, closes)
	}
	return fields('\'') > fields('"')
}

// sampleCSV reads the first rows that are as long as the first one. The last
// may be cut off where the file is longer than what is read, and is left out.
func sampleCSV(in *input.Lines, m mapping.Mapping, whole bool) [][]string {
	if _, ok := separatorLine(in.Buffered()); ok {
		if _, err := in.Next(); err != nil {
			return nil
		}
	}
	r := mappedCSV{quote: m.Quote, split: input.Splitter{Comma: m.Separator, Quote: m.Quote}}
	var rows [][]string
	for len(rows) <= guess.SampleRows {
		line, err := r.record(in)
		if _, bad := errors.AsType[*event.Rejection](err); bad {
			continue
		}
		if err != nil {
			if !whole && len(rows) > 1 {
				rows = rows[:len(rows)-1]
			}
			break
		}
		fields, problem := r.split.Split(line)
		if problem != "" {
			continue
		}
		var row []string
		for _, f := range fields {
			row = append(row, string(bytes.ToValidUTF8(f, []byte("\uFFFD"))))
		}
		if len(rows) > 0 {
			for len(row) > len(rows[0]) && row[len(row)-1] == "" {
				row = row[:len(row)-1]
			}
			if len(row) != len(rows[0]) {
				continue
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// sampleJSON reads the first objects. Their columns are all members that are
// met, those of objects within by their paths.
func sampleJSON(in *input.Lines) (names []string, rows [][]string) {
	var objects []map[string]string
	seen := make(map[string]bool)
	for len(objects) < guess.SampleRows {
		line, err := in.NextObject()
		if _, bad := errors.AsType[*event.Rejection](err); bad {
			continue
		}
		if err != nil {
			break
		}
		object := make(map[string]string)
		flatten(line, "", 0, func(name, value string) {
			object[name] = value
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		})
		objects = append(objects, object)
	}
	for _, object := range objects {
		row := make([]string, len(names))
		for i, name := range names {
			row[i] = object[name]
		}
		rows = append(rows, row)
	}
	return names, rows
}

// maxPath is how deep the columns of JSON lines are looked for.
const maxPath = 4

func flatten(object []byte, prefix string, depth int, member func(name, value string)) {
	for c := parse.Inside(object); ; {
		name, value, ok := c.Member()
		if !ok {
			return
		}
		name = prefix + name
		if value[0] == '{' && depth < maxPath {
			flatten(value, name+".", depth+1, member)
			continue
		}
		text, ok := parse.Scalar(value)
		if !ok {
			text = string(value)
		}
		member(strings.Clone(name), strings.Clone(text)) // the line's bytes are reused
	}
}
