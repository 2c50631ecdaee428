package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"clickstream/ingest/formats/input"
	"clickstream/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// row is what was read of one row, with strings of its own.
type row struct {
	line   int64
	raw    string
	event  string // as JSON
	reason event.Reason
	field  string // of the rejection
}

func (r row) rejection() string { return fmt.Sprintf("%d %s %s", r.line, r.reason, r.field) }

// checkRows reads a file and compares its events, each with its line and
// without its id, and the rejections, each as line, reason and field.
func checkRows(t *testing.T, file, format string, want []string) {
	t.Helper()
	var got []string
	for _, r := range readAll(t, strings.NewReader(file), format) {
		if r.event == "" {
			got = append(got, r.rejection())
			continue
		}
		_, rest, _ := strings.Cut(r.event, ",")
		got = append(got, fmt.Sprintf("%d {%s", r.line, rest))
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("row %d is missing: %s", i+1, want[i])
		case i >= len(want):
			t.Errorf("row %d is too much: %s", i+1, got[i])
		case got[i] != want[i]:
			t.Errorf("row %d is\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
}

func readAll(t *testing.T, src io.Reader, format string) []row {
	t.Helper()
	return readWith(t, src, Options{Format: format})
}

func readWith(t *testing.T, src io.Reader, o Options) []row {
	t.Helper()
	r, err := Open(src, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows []row
	for {
		var e event.Event
		err := r.Next(&e)
		if errors.Is(err, io.EOF) {
			return rows
		}
		line, raw := r.Row()
		got := row{line: line, raw: string(raw)}
		var bad *event.Rejection
		switch {
		case errors.As(err, &bad):
			got.reason, got.field = bad.Reason, bad.Field
		case err != nil:
			t.Fatal(err)
		default:
			got.event = string(e.AppendJSON(nil))
		}
		rows = append(rows, got)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// field takes a field's text out of an event's JSON.
func field(e, name string) string {
	_, after, _ := strings.Cut(e, `"`+name+`":"`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

func TestRees46QuirksOfRealFiles(t *testing.T) {
	rows := readAll(t, bytes.NewReader(readFile(t, "categories.csv")), Auto)
	var reasons []string
	for _, r := range rows {
		if r.reason != "" {
			reasons = append(reasons, fmt.Sprintf("%d %s", r.line, r.reason))
		}
	}
	// A missing product and a type that is not snake_case are for Validate.
	want := []string{"9 bad_row", "10 bad_time", "11 bad_price", "13 bad_row"}
	if !slices.Equal(reasons, want) {
		t.Errorf("bad rows are %q, want %q", reasons, want)
	}
	if len(rows) != 14 || rows[13].line != 16 {
		t.Fatalf("%d rows, the last in line %d; want 14 and line 16 (an empty line is no row)", len(rows), rows[len(rows)-1].line)
	}
	for i, want := range map[int]string{
		0:  `"event_type":"view","timestamp":"2019-10-01T00:00:00.000Z","user_id":"541312140","session_id":"a-1","product_id":"44600062","brand":"shiseido","price":35.79,"properties":{"category_id":"2103807459595387724"}}`,
		1:  `"event_type":"view","timestamp":"2019-10-01T00:00:00.000Z","user_id":"554748717","session_id":"a-2","product_id":"3900821","product_category":"appliances.kitchen","price":0,"properties":{"category_id":"2053013552326770905"}}`,
		2:  `"event_type":"add_to_cart","timestamp":"2019-10-01T00:00:01.000Z","user_id":"550050854","session_id":"a-3","product_id":"1307067","product_category":"computers.notebook","brand":"d'artagnan, \"fils\"","price":251.74,"properties":{"category_id":"2053013558920217191"}}`,
		13: `"event_type":"remove_from_cart","timestamp":"2019-10-01T00:00:10.000Z","user_id":"550050854","session_id":"a-3","product_id":"1307067","product_category":"computers.notebook","brand":"lenovo","price":251.74,"properties":{"category_id":"2053013558920217191"}}`,
	} {
		if _, got, _ := strings.Cut(rows[i].event, ","); got != want {
			t.Errorf("row %d is\n%s\nwant\n%s", i+1, got, want)
		}
	}
	if raw := rows[12].raw; !strings.HasSuffix(raw, "a-3") {
		t.Errorf("the raw row %q holds its line's end", raw)
	}
}

func TestI4_EqualRowsHaveDifferentIDsAndKeepThem(t *testing.T) {
	for _, name := range []string{"categories.csv", "cosmetics.csv", "native.jsonl", "otto.jsonl", "retailrocket.csv", "taobao.csv", "shopify.csv", "segment.jsonl", "posthog.jsonl", "ga4.jsonl"} {
		content := readFile(t, name)
		first := readAll(t, bytes.NewReader(content), Auto)
		// Chunks of one byte: nothing depends on how a file arrives.
		second := readAll(t, iotest.OneByteReader(bytes.NewReader(content)), Auto)
		if !slices.Equal(first, second) {
			t.Errorf("%s: read twice, it gives different events", name)
		}
		ids := make(map[string]bool)
		for _, r := range first {
			if r.event == "" {
				continue
			}
			id := field(r.event, "event_id")
			if id == "" || ids[id] {
				t.Errorf("%s line %d: the id %q is empty or taken", name, r.line, id)
			}
			ids[id] = true
		}
	}
}

func TestI4_TheOrderOfColumnsChangesNoID(t *testing.T) {
	a := readAll(t, strings.NewReader("event_time,event_type,product_id,price,user_id,user_session\n2022-10-01 00:00:00 UTC,cart,5,2.62,4,s\n"), "")
	b := readAll(t, strings.NewReader("user_session,price,event_type,event_time,user_id,product_id\ns,2.62,cart,2022-10-01 00:00:00 UTC,4,5\n"), "")
	if a[0].event != b[0].event {
		t.Errorf("%s\nand\n%s differ", a[0].event, b[0].event)
	}
}

func TestUnknownColumnsAreKept(t *testing.T) {
	rows := readAll(t, strings.NewReader("event_time,event_type,product_id,price,user_id,user_session,shop,note\n2022-10-01 00:00:00 UTC,cart,5,2.62,4,s,\"a\"\"b\",\n"), "")
	if want := `"properties":{"shop":"a\"b"}}`; !strings.HasSuffix(rows[0].event, want) {
		t.Errorf("%s does not end in %s", rows[0].event, want)
	}
}

func TestNativeRows(t *testing.T) {
	rows := readAll(t, bytes.NewReader(readFile(t, "native.jsonl")), Auto)
	if len(rows) != 7 {
		t.Fatalf("%d rows, want 7", len(rows))
	}
	if got, want := rows[0].event, `{"event_id":"evt_00000001","event_type":"view","timestamp":"2026-11-22T10:04:05.123Z","user_id":"user_1","session_id":"s1","product_id":"prod_1","product_category":"shoes","device_type":"mobile","page_url":"https://shop.example/p/1","price":19.99,"properties":{"referrer":"mail"}}`; got != want {
		t.Errorf("the first row is\n%s\nwant\n%s", got, want)
	}
	if rows[3].reason != event.ReasonBadTime || rows[5].reason != event.ReasonBadJSON || rows[5].raw != "not JSON" || rows[5].line != 6 {
		t.Errorf("bad rows are %+v and %+v", rows[3], rows[5])
	}
}

func TestFilesThatAreNoneAreRefused(t *testing.T) {
	for name, file := range map[string]struct{ content, found string }{
		"another CSV":    {"id,name\n1,x\n", `"id,name"`},
		"a JSON array":   {`[{"type":"view","at":"2026-11-22T10:04:05Z"}]`, `"{\"type\":\"view\"`},
		"an array cut":   {`[{"event_type":"view","timestamp":`, `"{\"event_type\":`},
		"other JSON":     {`{"session":1,"events":[]}`, `"{\"session\":1`},
		"bytes":          {"\x00\x01\x02\n", `"\x00`},
		"numbers":        {"1,2,3,pv,1511544070\n1,2,3,pv,151154407\n", `"1,2,3,pv`},
		"other types":    {"1,2,3,pv,1511544070\n1,2,3,open,1511544070\n", `"1,2,3,pv`},
		"a header twice": {"event_time,event_time,event_type,product_id,price,user_id,user_session\n", `"event_time,event_time`},
	} {
		_, err := Open(strings.NewReader(file.content), Options{})
		if err == nil || !strings.Contains(err.Error(), "expected one of: native, rees46, otto") || !strings.Contains(err.Error(), "begins with "+file.found) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	_, err := Open(strings.NewReader("event_time,event_type,product_id,user_id,user_session\n"), Options{Format: "rees46"})
	if err == nil || !strings.Contains(err.Error(), "lacks price") {
		t.Errorf("a header without price: error is %v", err)
	}
	if _, err := Open(strings.NewReader(""), Options{Format: "parquet"}); err == nil || !strings.Contains(err.Error(), "native, rees46, otto") || !strings.Contains(err.Error(), " or auto") {
		t.Errorf("an unknown format: error is %v", err)
	}
}

func TestEmptyFilesHaveNoEvents(t *testing.T) {
	for _, content := range []string{"", "\n\r\n", "\xef\xbb\xbf", "event_time,event_type,product_id,price,user_id,user_session"} {
		if rows := readAll(t, strings.NewReader(content), Auto); len(rows) != 0 {
			t.Errorf("%q has rows: %v", content, rows)
		}
	}
}

func TestOverlongLinesAreBadRows(t *testing.T) {
	good := `{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u"}`
	for _, n := range []int{input.MaxLine - 1, input.MaxLine, input.MaxLine + 1, input.MaxLine + 2, input.MaxLine + 3, 3*input.MaxLine + 17} {
		for _, end := range []string{"\n", "\r\n"} {
			long := strings.Repeat("x", n)
			rows := readAll(t, strings.NewReader(good+end+long+end+good+end+long), "native")
			if len(rows) != 4 || rows[0].event == "" || rows[2].event == "" || rows[2].line != 3 {
				t.Fatalf("a line of %d bytes: the rows around it are lost", n)
			}
			want, kept := event.ReasonTooLong, long
			if n > input.MaxLine {
				kept = long[:input.KeepLong]
			}
			for _, i := range []int{1, 3} {
				if rows[i].reason != want || rows[i].raw != kept {
					t.Errorf("a line of %d bytes: reason %s, %d bytes kept; want %s and %d", n, rows[i].reason, len(rows[i].raw), want, len(kept))
				}
			}
		}
	}
}

func TestAReadingErrorIsNoBadRow(t *testing.T) {
	broken := errors.New("the disk is gone")
	head := strings.Repeat(`{"event_type":"page","timestamp":"2026-11-22T10:04:05Z","user_id":"u"}`+"\n", 20_000)
	r, err := Open(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), Options{Format: Auto})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var e event.Event
	n := 0
	for ; err == nil; n++ {
		err = r.Next(&e)
	}
	if !errors.Is(err, broken) || n != 20_001 {
		t.Errorf("after %d rows: %v", n-1, err)
	}
}
