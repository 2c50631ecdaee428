package formats

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"clickstream/ingest/formats/input"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// fuzzFormat: any bytes give rows that are events, which the log's reader
// takes if they are valid, or bad rows, and lines are counted. Events may share
// a line where the format has several in one, and in a JSON array.
func fuzzFormat(f *testing.F, format string, files ...string) {
	f.Helper()
	several := !slices.Contains([]string{"native", "rees46", "retailrocket", "taobao", "shopify"}, format)
	for _, name := range files {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		checkFuzzed(t, content, Options{Format: format}, several)
	})
}

func checkFuzzed(t *testing.T, content []byte, o Options, several bool) {
	t.Helper()
	r, err := Open(bytes.NewReader(content), o)
	if err != nil {
		return
	}
	defer r.Close()
	if encoding, err := input.EncodingOf(content[:min(len(content), input.ShowsEncoding)], ""); err != nil {
		t.Fatal(err)
	} else if encoding != nil {
		if content, err = encoding.NewDecoder().Bytes(content); err != nil {
			t.Fatal(err)
		}
	}
	var e event.Event
	var line int64
	for {
		err := r.Next(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		at, raw := r.Row()
		shared := at == line && (several || r.in.HoldsValues())
		if at <= line && !shared || !bytes.Contains(content, raw) {
			t.Fatalf("the row in line %d after line %d holds %q, which is not in the file", at, line, raw)
		}
		line = at
		if _, bad := errors.AsType[*event.Rejection](err); bad {
			continue
		}
		if errors.Is(err, io.ErrUnexpectedEOF) && r.in.HoldsValues() {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Validate(1<<42) != nil || !several && len(e.Properties) > 100 {
			continue
		}
		var d event.Decoder
		var again event.Event
		if err := d.Decode(e.AppendJSON(nil), &again); err != nil {
			t.Fatalf("line %d: a valid event cannot be read back: %v", at, err)
		}
	}
	if n := int64(bytes.Count(content, []byte{'\n'})) + 1; line > n {
		t.Fatalf("line %d of %d", line, n)
	}
}

// FuzzMapped reads any bytes by a few mappings.
func FuzzMapped(f *testing.F) {
	var mappings []*mapping.Mapping
	for _, flag := range []string{
		"event_type=type,timestamp=time,user_id=user,product_id=p,price=price,quantity=n",
		"event_type=#2,timestamp=#1,session_id=#3,header=no,quote=single,decimal=comma,price=#4,event_type:pv=view,time=DD.MM.YYYY",
		"event_type=event.name,timestamp=at,time=unix_ms,user_id=user.id,product_id=a.b,kind=jsonl",
		"event_type='view',timestamp=a+b,time=unix_s,user_id=c,product_id=d,kind=csv",
		"event_type=type,timestamp=time,user_id=user.id,drop=user+a.b+properties.c,skip=1",
	} {
		m, err := mapping.Parse(flag)
		if err != nil {
			f.Fatal(err)
		}
		mappings = append(mappings, &m)
	}
	for i, seed := range []string{
		"sep=;\ntime;type;user;p;price;n;x\n2026-07-24 10:04:05;view;u;p;1,5;2;\"a\nb\"\n",
		"24.07.2026,'pv','u\n''x',\"1,5\"\n", `[{"event":{"name":"view","x":[1]},"at":1784887445123,"user":{"id":"\u00fc"},"a.b":1,"properties":{"y":2}}]`,
		"# clicks\n" + `{"type":"view","time":"2026-07-24T10:04:05Z","user":{"id":1,"x":2},"a":{"b":1},"properties":{"c":1,"d":2}}`,
		"\xff\xfea\x00,\x00b\x00,\x00c\x00,\x00d\x00\n\x001\x00,\x002\x00",
	} {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which byte, content []byte) {
		checkFuzzed(t, content, Options{Mapping: mappings[int(which)%len(mappings)]}, true)
	})
}

func FuzzNative(f *testing.F) { fuzzFormat(f, "native", "native.jsonl") }

func FuzzRees46(f *testing.F) { fuzzFormat(f, "rees46", "categories.csv", "cosmetics.csv") }

func FuzzOtto(f *testing.F) {
	f.Add([]byte("[\n{\"session\":1,\"events\":[{\"aid\":1,\n\"ts\":1659304800025,\"type\":\"clicks\"}]}, 7,{}\n]\n[{"))
	fuzzFormat(f, "otto", "otto.jsonl")
}

func FuzzRetailrocket(f *testing.F) { fuzzFormat(f, "retailrocket", "retailrocket.csv") }

func FuzzTaobao(f *testing.F) { fuzzFormat(f, "taobao", "taobao.csv") }

func FuzzSegment(f *testing.F) { fuzzFormat(f, "segment", "segment.jsonl") }

func FuzzPosthog(f *testing.F) { fuzzFormat(f, "posthog", "posthog.jsonl") }

func FuzzGA4(f *testing.F) { fuzzFormat(f, "ga4", "ga4.jsonl") }

func FuzzShopify(f *testing.F) { fuzzFormat(f, "shopify", "shopify.csv") }
