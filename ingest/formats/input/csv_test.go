package input

import (
	"bytes"
	"encoding/csv"
	"testing"
)

// FuzzSplit: whatever encoding/csv takes as one line, we take the same way.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", ",", "a,b", `"a,b",c`, `"a""b"`, `"a"b`, `"open`, `"",`, `"""",""`, `a"b,c`, "a,\"b\x00\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\r\n") {
			return
		}
		original := bytes.Clone(line)
		var s Splitter
		got, problem := s.Split(line)
		if !bytes.Equal(line, original) {
			t.Fatal("the line was changed")
		}
		r := csv.NewReader(bytes.NewReader(line))
		want, err := r.Read()
		if err != nil {
			return
		}
		if problem != "" || len(got) != len(want) {
			t.Fatalf("%q: got %q, %s; want %q", line, got, problem, want)
		}
		for i := range want {
			if string(got[i]) != want[i] {
				t.Fatalf("%q: field %d is %q, want %q", line, i, got[i], want[i])
			}
		}
	})
}
