package formats

import (
	"slices"
	"strings"
	"testing"

	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/mapping"
)

func TestDroppedColumnsAreInNoEvent(t *testing.T) {
	for _, tt := range []struct{ name, flag, file, want string }{
		{
			"values with a separator", "event_type=type,timestamp=time,user_id=user,product_id=p,drop=\"E-Mail\"+#6",
			"time,type,user,p,E-Mail,E-Mail,note\n2026-07-24T10:04:05Z,view,u,p,a@b.de,c@d.de,x\n",
			`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p","properties":{"note":"x"}}`,
		},
		{
			"JSON lines", "event_type=type,timestamp=time,user_id=user.id,product_id=p,drop=email+user+a.b+deep.er.mail+properties.mail",
			`{"time":"2026-07-24T10:04:05Z","type":"view","p":"p","email":{"x":"a@b.de"},"user":{"id":"u","mail":"a@b.de"},"a":{"b":1,"c":2},"a.b":3,` +
				`"deep":{"er":{"mail":"a@b.de"},"y":[1],"er2":{"mail":"z"}},"properties":{"mail":"a@b.de","k":4}}` + "\n",
			`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p","properties":{"a":{"c":2},"deep":{"y":[1],"er2":{"mail":"z"}},"k":4}}`,
		},
		{
			"JSON in which a dropped object is none", "event_type=type,timestamp=time,user_id=id,product_id=p,drop=user,session_id=user.session",
			`{"time":"2026-07-24T10:04:05Z","type":"view","p":"p","id":"u","user":"a@b.de","properties":"x"}` + "\n",
			`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p","properties":{"properties":"x"}}`,
		},
	} {
		rows := readWith(t, strings.NewReader(tt.file), Options{Mapping: parsed(t, tt.flag)})
		if len(rows) != 1 || brief(rows[0]) != tt.want {
			t.Errorf("%s: the events are %v, want %s", tt.name, rows, tt.want)
			continue
		}
		m := parsed(t, tt.flag)
		m.Drop = nil
		kept := readWith(t, strings.NewReader(tt.file), Options{Mapping: m})
		if len(kept) != 1 || field(kept[0].event, "event_id") != field(rows[0].event, "event_id") || kept[0].event == rows[0].event {
			t.Errorf("%s: without drop= the event is %v, and its id has to be the same: %v", tt.name, kept, rows)
		}
	}
	_, err := Open(strings.NewReader("time,type,user,Email\n"), Options{Mapping: parsed(t, "event_type=type,timestamp=time,user_id=user,drop=email")})
	if err == nil || !strings.Contains(err.Error(), "drop: the file has no column email; it has time, type, user, Email") {
		t.Errorf("a column that is not in the file: error is %v", err)
	}
}

func TestSkippedLinesCount(t *testing.T) {
	const at = `"2026-07-24T10:04:05Z"`
	for _, tt := range []struct {
		name, flag, file string
		want             []string
	}{
		{
			"lines before a header", "event_type=type,timestamp=time,user_id=user,skip=3",
			"\xef\xbb\xbfKlicks; \"Stand\r\n\r\n" + strings.Repeat("x", 100_000) + "\ntime;type;user\r\nsoon;page;u\n" + "2026-07-24T10:04:05Z;page;u\n",
			[]string{"5 bad_time", `{"event_type":"page","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u"}`},
		},
		{
			"lines before the first row", "event_type=#2,timestamp=#1,user_id=#3,skip=1,header=no",
			"Klicks\nsoon,page,u\n", []string{"2 bad_time"},
		},
		{
			"JSON lines", "event_type=type,timestamp=time,user_id=user,skip=2",
			"# clicks\n\n{\"time\":\"soon\",\"type\":\"page\",\"user\":1}\n", []string{"3 bad_time"},
		},
		{
			"a JSON array", "event_type=type,timestamp=time,user_id=user,skip=2",
			"# clicks\n#\n[\n{\"time\":\"soon\",\"type\":\"page\",\"user\":1},\n{\"time\":" + at + ",\"type\":\"page\",\"user\":1},{\"time\":1,\"type\":\"page\",\"user\":1}]\n",
			[]string{"4 bad_time", `{"event_type":"page","timestamp":"2026-07-24T10:04:05.000Z","user_id":"1"}`, "5 bad_time"},
		},
		{"an empty file", "event_type=type,timestamp=time,user_id=user,skip=2", "", nil},
	} {
		var got []string
		for _, r := range readWith(t, strings.NewReader(tt.file), Options{Mapping: parsed(t, tt.flag)}) {
			got = append(got, brief(r))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the rows are\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	for file, want := range map[string]string{
		"a\nb":                            "skip=3: the file ends after line 2",
		"\n" + strings.Repeat("x", 2<<20): "skip=3: line 2 is longer than 1048576 bytes",
	} {
		if _, err := Open(strings.NewReader(file), Options{Mapping: parsed(t, "event_type=type,timestamp=time,user_id=user,skip=3")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.5q: error is %v, want %s", file, err, want)
		}
	}
	if _, err := mapped.Guess(strings.NewReader("a\nb"), mapping.Mapping{Skip: 3}); err == nil || !strings.Contains(err.Error(), "skip=3: the file ends after line 2") {
		t.Errorf("a guess of a short file: error is %v", err)
	}
}
