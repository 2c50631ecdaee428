package formats

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestOttoEvents(t *testing.T) {
	checkRows(t, `{"session":7,"events":[{"aid":11830,"ts":1659304800025,"type":"clicks"},{"aid":"9","ts":1659304801025,"type":"carts","page":"a/b"}]}
{"session":8,"events":[]}
{"events":[{"aid":1,"ts":1659304802025,"type":"orders"}, {"aid":1,"ts":1659304802025,"type":"orders"}],"session":"9"}
`, "otto", []string{
		`1 {"event_type":"view","timestamp":"2022-07-31T22:00:00.025Z","session_id":"7","product_id":"11830"}`,
		`1 {"event_type":"add_to_cart","timestamp":"2022-07-31T22:00:01.025Z","session_id":"7","product_id":"9","properties":{"page":"a/b"}}`,
		`3 {"event_type":"purchase","timestamp":"2022-07-31T22:00:02.025Z","session_id":"9","product_id":"1"}`,
		`3 {"event_type":"purchase","timestamp":"2022-07-31T22:00:02.025Z","session_id":"9","product_id":"1"}`,
	})
}

func TestOttoABadEventRejectsOnlyItself(t *testing.T) {
	rows := readAll(t, strings.NewReader(`{"session":7,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}
{"session":7,"events":[{"aid":1,"ts":"soon","type":"clicks"},{"aid":[],"ts":1659304800025,"type":"clicks"},5,{"aid":1,"type":"clicks"},{"aid":2,"ts":1659304800025,"type":"clicks"}]}
{"session":{},"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}
{"session":7,"events":{}}
{"session":7,"events":[{"aid":1,
7
`), "otto")
	var got []string
	for _, r := range rows {
		if r.event == "" {
			got = append(got, r.rejection()+" "+r.raw)
		}
	}
	want := []string{
		`2 bad_time ts {"aid":1,"ts":"soon","type":"clicks"}`,
		`2 bad_type aid {"aid":[],"ts":1659304800025,"type":"clicks"}`,
		`2 bad_type events 5`,
		`2 missing_field ts {"aid":1,"type":"clicks"}`,
		`3 bad_type session {"session":{},"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}`,
		`4 bad_type events {"session":7,"events":{}}`,
		`5 bad_json  {"session":7,"events":[{"aid":1,`,
		`6 bad_json  7`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("rejected are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(rows) != len(want)+2 {
		t.Errorf("%d rows, want %d good ones", len(rows), 2)
	}
}

func TestOttoFileIsFoundAndWhole(t *testing.T) {
	content := readFile(t, "otto.jsonl")
	types := make(map[string]int)
	for _, r := range readAll(t, bytes.NewReader(content), Auto) {
		if r.reason != "" {
			t.Errorf("line %d is rejected: %s", r.line, r.reason)
		}
		types[field(r.event, "event_type")]++
	}
	if types["view"] != 294 || types["add_to_cart"] != 35 || types["purchase"] != 16 {
		t.Errorf("types are %v", types)
	}
}

func TestAFileOfAnyJSONFormatMayBeAnArray(t *testing.T) {
	lines := readFile(t, "otto.jsonl")
	array := append(bytes.ReplaceAll(append([]byte("["), bytes.TrimSpace(lines)...), []byte("\n"), []byte(",\n")), ']')
	if got, want := readAll(t, bytes.NewReader(array), Auto), readAll(t, bytes.NewReader(lines), Auto); !slices.Equal(got, want) {
		t.Error("the array's rows differ from the lines'")
	}
	rows := readAll(t, strings.NewReader(`[{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u"}, {"event_type":"page"}]`), Auto)
	if len(rows) != 2 || rows[0].event == "" || rows[1].raw != `{"event_type":"page"}` {
		t.Errorf("got %+v", rows)
	}
}
