package input

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"clickstream/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handedOut is what next gives, each with its line, and the error at the end.
func handedOut(t *testing.T, src io.Reader, next func(*Lines) ([]byte, error)) ([]string, error) {
	t.Helper()
	l := New(src)
	if _, err := l.Head(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		line, err := next(l)
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			got = append(got, fmt.Sprintf("%d %s %d", l.number, bad.Reason, len(l.last)))
			continue
		}
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprintf("%d %s", l.number, line))
	}
}

func TestValuesOfAJSONArrayAreReadLikeLines(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for _, tt := range []struct {
		name, file string
		want       []string
		end        error
	}{
		{"in one line", `[{"a":1},{"b":"]},{"},3]`, []string{`1 {"a":1}`, `1 {"b":"]},{"}`, `1 3`}, io.EOF},
		{"one a line", "\xef\xbb\xbf\n[\r\n{\"a\":\"\\\"\"},\r\n\n{\"b\":[{}]}\n]\n", []string{`3 {"a":"\""}`, `5 {"b":[{}]}`}, io.EOF},
		{"laid out", "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": 2\n  }\n]\n", []string{"2 {\n    \"a\": 1\n  }", "5 {\n    \"b\": 2\n  }"}, io.EOF},
		{"objects laid out", "{\n \"a\": 1\n}\n{\n \"b\": 2\n}", []string{"1 {\n \"a\": 1\n}", "4 {\n \"b\": 2\n}"}, io.EOF},
		{"several arrays", "[{\"a\":1}]\n[{\"b\":2}]\n", []string{`1 {"a":1}`, `2 {"b":2}`}, io.EOF},
		{"none", "[\n]\n", nil, io.EOF},
		{"cut off in a value", "[{\"a\":1},\n{\"b\":", []string{`1 {"a":1}`, `2 {"b":`}, io.ErrUnexpectedEOF},
		{"cut off after a value", "[{\"a\":1}\n", []string{`1 {"a":1}`}, io.ErrUnexpectedEOF},
		{"other text", "[{\"a\":1},\nnot JSON\n}{\"b\":2}]", []string{`1 {"a":1}`, `2 not JSON`, `3 }{"b":2}`}, io.EOF},
		{"a quote left open", "[{\"a\":\"1},\n{\"b\":2}\n]", []string{`1 {"a":"1},`, `2 {"b":2}`}, io.EOF},
		{"a long one", `[{"a":1},{"b":"` + long + `"},{"c":3}]`, []string{`1 {"a":1}`, `1 too_long 65536`, `1 {"c":3}`}, io.EOF},
		{"a brace left open", "[{\"a\":1},\n{\"b\":{},\n" + strings.Repeat("{\"c\":2},\n", MaxLine/9) + "{\"d\":3},\n{\"e\":4}]",
			[]string{`1 {"a":1}`, `2 too_long 65536`, `116511 {"d":3}`, `116512 {"e":4}`}, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, end := handedOut(t, strings.NewReader(tt.file), (*Lines).Next)
			if !slices.Equal(got, tt.want) || !errors.Is(end, tt.end) {
				t.Errorf("got %.300q, %v; want %.300q, %v", got, end, tt.want, tt.end)
			}
			again, _ := handedOut(t, iotest.OneByteReader(strings.NewReader(tt.file)), (*Lines).Next)
			if !slices.Equal(again, got) {
				t.Errorf("in chunks of one byte it is %.300q", again)
			}
		})
	}
}

func TestRecordsOfCSVMayHoldLineEnds(t *testing.T) {
	many := strings.Repeat("a\n", MaxRecord)
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"quoted line ends", "\n1,\"a\r\nb\n\",2\r\n\"3\n\"\n4", []string{"2 1,\"a\r\nb\n\",2", "5 \"3\n\"", "7 4"}},
		{"at the file's end", "1\n\"a\nb\"", []string{"1 1", "2 \"a\nb\""}},
		{"doubled quotes", "\"a\"\"\n\"\"\",1\n2", []string{"1 \"a\"\"\n\"\"\",1", "3 2"}},
		{"a quote left open", "\"a\nb\nc", []string{"1 \"a", "2 b", "3 c"}},
		{"a quote left open, and others", "\"a\nb,\"c\"\n", []string{"1 \"a", "2 b,\"c\""}},
		{"a quote inside a field", "5\",a\n6\",b\n", []string{"1 5\",a", "2 6\",b"}},
		{"one too long", "\"" + many + "\"\n", strings.Split("1 \"a\n"+lineNumbers(2, MaxRecord)+fmt.Sprint(MaxRecord+1)+" \"", "\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, end := handedOut(t, strings.NewReader(tt.file), func(l *Lines) ([]byte, error) { return l.NextRecord(',') })
			if !slices.Equal(got, tt.want) || !errors.Is(end, io.EOF) {
				t.Errorf("got %.300q, %v; want %.300q", got, end, tt.want)
			}
		})
	}
}

// lineNumbers is what handedOut gives for lines that hold an a.
func lineNumbers(from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, "%d a\n", n)
	}
	return b.String()
}
