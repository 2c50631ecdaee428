package formats

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // as the program has it

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

func encoded(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parsed(t *testing.T, flag string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse(flag)
	if err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	return &m
}

// brief is an event without its id, or why the row is rejected.
func brief(r row) string {
	if r.reason != "" {
		return fmt.Sprintf("%d %s", r.line, r.reason)
	}
	_, rest, _ := strings.Cut(r.event, `,"`)
	return `{"` + rest
}

func TestMappedFilesOfAllKinds(t *testing.T) {
	excel := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	for _, tt := range []struct {
		name, flag, file string
		want             []string
	}{
		{
			"semicolons, decimal commas, German names, Latin-1",
			"event_type=Ereignis,event_type:Ansicht=view,Kauf=purchase,timestamp=Datum+Uhrzeit,time=DD.MM.YYYY HH:mm,zone=Europe/Berlin,product_id=Artikelnr.,user_id=Kunde,price=Preis,decimal=comma,quantity=Menge,source='laden',encoding=latin1",
			encoded(t, charmap.Windows1252, "Datum;Uhrzeit;Ereignis;Artikelnr.;Kunde;Preis;Menge;Größe\r\n"+
				"24.07.2026;10:04;Ansicht;A-1;k1;1.234,50;;groß\r\n24.07.2026;10:05;Kauf;A-1;k1;\"12,99 €\";2;\r\n24.07.2026;;Kauf;A-1;k1;1;1;\r\n31.02.2026;10:05;Kauf;A-1;k1;1;1;\r\n24.07.2026;10:05;Kauf;A-1;k1;1\r\n"),
			nil,
		},
		{
			"tabs and Unix milliseconds", "event_type=type,timestamp=ts,time=unix_ms,session_id=sid,product_id=item",
			"ts\ttype\titem\tsid\tnote\n1784887445123\tview\tp 1\ts1\tsays \"hi\"\n1784887445124\tview\tp1\ts1\t\nsoon\tview\tp1\ts1\t\n",
			[]string{
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.123Z","session_id":"s1","product_id":"p 1","properties":{"note":"says \"hi\""}}`,
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.124Z","session_id":"s1","product_id":"p1"}`,
				"4 bad_time",
			},
		},
		{
			"pipes and no header", "event_type=#2,timestamp=#1,time=unix_s,session_id=#4,product_id=#3,header=no",
			"1784887445|view|p1|s1|x\n1784887445|view|p1|s1|\n1784887445|view|p1|s1\n",
			[]string{
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","session_id":"s1","product_id":"p1","properties":{"#5":"x"}}`,
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","session_id":"s1","product_id":"p1"}`,
				"3 bad_row",
			},
		},
		{
			"UTF-16 from a spreadsheet", "event_type=type,timestamp=time,user_id=user,product_id=Straße",
			encoded(t, excel, "sep=;\r\ntime;type;user;Straße\r\n2026-07-24 10:04:05;view;ü;p1\r\n"),
			[]string{`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"ü","product_id":"p1"}`},
		},
		{
			"UTF-16 without a mark", "event_type='page',timestamp=time,user_id=user,device_type=#3",
			encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "time,user,device\n2026-07-24T10:04:05Z,ü,phone\n"),
			[]string{`{"event_type":"page","timestamp":"2026-07-24T10:04:05.000Z","user_id":"ü","device_type":"phone"}`},
		},
		{
			"single quotes and line ends within", "event_type=type,timestamp=time,user_id=user,product_id=p,quote=single,event_type:''=view",
			"'time','type','user','p','note'\n\n'2026-07-24 10:04:05','','u','p''1','two\r\nlines'\n'2026-07-24 10:04:05','cart','u','p1,2',\"\n'open\n'2026-07-24 10:04:05','cart','u','p1',a'b'\n",
			[]string{
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p'1","properties":{"note":"two\r\nlines"}}`,
				`{"event_type":"cart","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p1,2","properties":{"note":"\""}}`,
				"6 bad_row",
				`{"event_type":"cart","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p1","properties":{"note":"a'b'"}}`,
			},
		},
		{
			"no quotes", "event_type='view',timestamp=time,user_id=user,product_id=p,quote=none",
			"time,user,p\n2026-07-24 10:04:05,\"u,p\"\n",
			[]string{`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"\"u","product_id":"p\""}`},
		},
		{
			"nested JSON lines", "event_type=event.name,timestamp=at,time=unix_ms,user_id=user.id,product_id=a.b,price=event.price",
			`{"event":{"name":"view","price":"1.5","x":null},"at":1784887445123,"user":{"id":7,"name":"Q\"","address":{"city":"B"}},"a.b":"p1","properties":{"ref":"mail"},"n":1}` + "\n" +
				`{"a":{"b":true},"event":{"name":"view"},"at":"1784887445123","user":{"id":"u\u00fc"},"list":[1,{"a":2}]}` + "\n" +
				`{"a.b":"p1","event":{"name":"view"},"at":1,"user":{"id":{}}}` + "\nnot JSON\n" + `{"a":{"b":"p1"},"a.b":"p1"}` + "\n" + `{"event":{}}`,
			[]string{
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.123Z","user_id":"7","product_id":"p1","price":1.5,"properties":{"event":{"x":null},"user":{"name":"Q\"","address":{"city":"B"}},"ref":"mail","n":1}}`,
				`{"event_type":"view","timestamp":"2026-07-24T10:04:05.123Z","user_id":"uü","product_id":"true","properties":{"list":[1,{"a":2}]}}`,
				"3 bad_type", "4 bad_json", "5 duplicate_field", "6 missing_field",
			},
		},
		{
			"a repeated column and one without a name", "event_type=type,timestamp=time,user_id=user,product_id=#5",
			"\xef\xbb\xbf,time,type,user,user,id\n0,2026-07-24 10:04:05,view,u,p1,x,\n",
			[]string{`{"event_type":"view","timestamp":"2026-07-24T10:04:05.000Z","user_id":"u","product_id":"p1","properties":{"#1":"0","id":"x"}}`},
		},
	} {
		if tt.want == nil {
			tt.want = []string{
				`{"event_type":"view","timestamp":"2026-07-24T08:04:00.000Z","user_id":"k1","product_id":"A-1","source":"laden","price":1234.5,"properties":{"Größe":"groß"}}`,
				`{"event_type":"purchase","timestamp":"2026-07-24T08:05:00.000Z","user_id":"k1","product_id":"A-1","source":"laden","price":12.99,"quantity":2}`,
				"4 bad_time", "5 bad_time", "6 bad_row",
			}
		}
		t.Run(tt.name, func(t *testing.T) {
			rows := readWith(t, strings.NewReader(tt.file), Options{Mapping: parsed(t, tt.flag)})
			var got []string
			for _, r := range rows {
				got = append(got, brief(r))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestAMappingThatDoesNotFitTheFileIsRefused(t *testing.T) {
	for flag, want := range map[string]string{
		"event_type=type,timestamp=time,user_id=uid":                     "user_id: the file has no column uid; it has time, type, user",
		"event_type=type,timestamp=time,user_id=#4":                      "user_id: the file has no column #4",
		"auto,timestamp=time,user_id=user":                               "event_type is missing",
		"event_type=type,timestamp=time,user_id=user,encoding=utf-16be":  "has no column",
		"event_type=#1,timestamp=#2,user_id=#9,header=no,separator=tab":  "user_id: the file has no column #9; it has #1",
		"event_type=type,timestamp=\"time\",user_id=user,separator=pipe": "",
	} {
		m, err := mapping.Parse(flag)
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken", flag)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Open(strings.NewReader("time,type,user\n"), Options{Mapping: &m}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", flag, err, want)
		}
	}
}

func TestI4_MappedRowsKeepTheirIDs(t *testing.T) {
	const file = "ts,type,sku,uid\n1784887445,view,p1,u\n1784887445,view,p1,u\n1784887446,view,p1,u\n"
	flag := "event_type=type,timestamp=ts,time=unix_s,product_id=sku,user_id=uid"
	first := readWith(t, strings.NewReader(file), Options{Mapping: parsed(t, flag)})
	var ids []string
	for _, r := range first {
		ids = append(ids, field(r.event, "event_id"))
	}
	// The recipe never changes.
	want := []string{"row1-50c913a0371f063b8c41e8d69f7e3757", "row1-68ca93be75388aaa0e7ff33868892e21", "row1-4e93d2b2d92e086cc2014fd0c43da433"}
	if !slices.Equal(ids, want) {
		t.Errorf("the ids are %q, want %q", ids, want)
	}
	// The same columns in another encoding and quoting, read by another mapping.
	other := encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), strings.ReplaceAll(strings.ReplaceAll(file, "view", `"view"`), ",", ";"))
	second := readWith(t, strings.NewReader(other), Options{Mapping: parsed(t, flag+",source='x',event_type:view=search")})
	for i, r := range second {
		if id := field(r.event, "event_id"); id != ids[i] {
			t.Errorf("row %d has the id %s, and %s before", i+1, id, ids[i])
		}
	}
	for _, r := range readWith(t, strings.NewReader(file), Options{Mapping: parsed(t, flag), WithoutIDs: true}) {
		if field(r.event, "event_id") != "" {
			t.Errorf("%s has an id", r.event)
		}
	}
	given := readWith(t, strings.NewReader(file), Options{Mapping: parsed(t, strings.Replace(flag, "user_id=uid", "user_id=uid,event_id=ts", 1))})
	if id := field(given[0].event, "event_id"); id != "1784887445" {
		t.Errorf("the id is %s, not the column's", id)
	}
}

func TestPropertiesOfAMappedRowThatExceedTheLimitAreLeftOut(t *testing.T) {
	file := "ts,uid,a,b,c\n1784887445,u,x," + strings.Repeat("y", event.MaxProperties) + ",z\n"
	rows := readWith(t, strings.NewReader(file), Options{Mapping: parsed(t, "event_type='page',timestamp=ts,time=unix_s,user_id=uid")})
	if got, want := rows[0].event, `"properties":{"a":"x","c":"z","left_out":1}}`; !strings.HasSuffix(got, want) {
		t.Errorf("the event is %.300s", got)
	}
}

func TestMappedRowsAreReadWithoutAllocating(t *testing.T) {
	const rows = 2000
	file := "ts,type,sku,uid,price,note\n" + strings.Repeat("01.02.2026 10:04:05,pv,p1,u1,\"1.249,50 €\",a b\n", rows)
	m := parsed(t, "event_type=type,event_type:pv=view,timestamp=ts,time=DD.MM.YYYY HH:mm:ss,zone=Europe/Berlin,product_id=sku,user_id=uid,price=price,decimal=comma")
	allocs := testing.AllocsPerRun(3, func() {
		r, err := Open(strings.NewReader(file), Options{Mapping: m, WithoutIDs: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var e event.Event
		for range rows {
			if err := r.Next(&e); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > rows/10 {
		t.Errorf("%.0f allocations for %d rows", allocs, rows)
	}
}

// once fails once and then says that the file has ended.
type once struct{ err error }

func (o *once) Read([]byte) (int, error) {
	err := o.err
	o.err = io.EOF
	return 0, err
}

func TestAReadingErrorInTheFirstBytesIsKept(t *testing.T) {
	m := parsed(t, "event_type='page',timestamp=ts,time=unix_s,user_id=uid")
	for _, broken := range []error{errors.New("the disk is gone"), io.ErrUnexpectedEOF} {
		for _, file := range []string{"", "ts,uid\n1784887445,u\n"} {
			r, err := Open(io.MultiReader(strings.NewReader(file), &once{broken}), Options{Mapping: m})
			for rows := 0; err == nil && rows < 3; rows++ {
				var e event.Event
				err = r.Next(&e)
			}
			if r != nil {
				r.Close()
			}
			if !errors.Is(err, broken) {
				t.Errorf("after %q the error is %v, want %v", file, err, broken)
			}
		}
	}
}

func TestKnownFormatsAreReadInOtherEncodings(t *testing.T) {
	content := string(readFile(t, "cosmetics.csv"))
	want := readAll(t, strings.NewReader(content), Auto)
	for name, e := range map[string]encoding.Encoding{
		"little":         unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"big":            unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"without a mark": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	} {
		if got := readAll(t, strings.NewReader(encoded(t, e, content)), Auto); !slices.Equal(got, want) {
			t.Errorf("%s: the rows differ", name)
		}
	}
	latin := encoded(t, charmap.Windows1252, "event_time,event_type,product_id,brand,price,user_id,user_session\n2026-07-24 10:04:05 UTC,view,p,Müller,1,u,s\n")
	if got := readWith(t, strings.NewReader(latin), Options{Encoding: "windows-1252"}); field(got[0].event, "brand") != "Müller" {
		t.Errorf("the event is %s", got[0].event)
	}
	if got := readWith(t, strings.NewReader(latin), Options{}); got[0].reason != event.ReasonBadEncoding {
		t.Errorf("without its encoding's name the row is %+v", got[0])
	}
	if _, err := Open(strings.NewReader(latin), Options{Encoding: "klingon"}); err == nil || !strings.Contains(err.Error(), `encoding "klingon" is not known`) {
		t.Errorf("error is %v", err)
	}
}
