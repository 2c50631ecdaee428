package mapping

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	for flag, want := range map[string]Mapping{
		"event_type=action,timestamp=ts,product_id=sku,user_id=uid,source='shop-a'": {
			Columns:   map[string]Columns{"event_type": {{Name: "action"}}, "timestamp": {{Name: "ts"}}, "product_id": {{Name: "sku"}}, "user_id": {{Name: "uid"}}},
			Constants: map[string]string{"source": "shop-a"},
		},
		"event_type = #3 , event_type:pv=view, buy=purchase,'time'=search,15:04=x,timestamp=date + time,user_id=\"a \"\"b\"\", #c\",time='DD.MM.YYYY, HH:mm',zone=Europe/Berlin,decimal=comma,separator=;,quote=single,encoding=Latin1": {
			Columns:      map[string]Columns{"event_type": {{Position: 3}}, "timestamp": {{Name: "date"}, {Name: "time"}}, "user_id": {{Name: `a "b", #c`}}},
			Values:       map[string]map[string]string{"event_type": {"pv": "view", "buy": "purchase", "time": "search", "15:04": "x"}},
			Time:         "DD.MM.YYYY, HH:mm",
			Zone:         "Europe/Berlin",
			DecimalComma: true, Separator: ';', Quote: '\'', Encoding: "latin1",
		},
		"auto,event_type='view'": {Auto: true, Constants: map[string]string{"event_type": "view"}},
		"auto":                   {Auto: true},
		"event_type='it''s'":     {},
		"event_type=#1,timestamp=#2,session_id=user.id,header=no,separator=comma,quote=none,kind=csv": {},
		"event_type=type,event_type:''=view,timestamp=at,time=unix_ms,session_id=\"#1\",user_id=user.id,kind=jsonl,price='1.50'": {
			Columns:   map[string]Columns{"event_type": {{Name: "type"}}, "timestamp": {{Name: "at"}}, "session_id": {{Name: "#1"}}, "user_id": {{Name: "user.id"}}},
			Constants: map[string]string{"price": "1.50"},
			Values:    map[string]map[string]string{"event_type": {"": "view"}},
			Time:      "unix_ms", Kind: KindJSON,
		},
		"auto,event_type:drop=view,skip=x,drop=\"E-Mail\"+phone + #3,'skip'=view,skip=2": {},
		"auto,event_type:'drop'=view,drop=\"E-Mail\"+phone + #3,skip=2": {
			Auto: true, Values: map[string]map[string]string{"event_type": {"drop": "view"}}, Drop: Columns{{Name: "E-Mail"}, {Name: "phone"}, {Position: 3}}, Skip: 2,
		},
	} {
		got, err := Parse(flag)
		if reflect.DeepEqual(want, Mapping{}) {
			if err == nil {
				t.Errorf("%s is taken: %+v", flag, got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%+v, %v; want\n%+v", flag, got, err, want)
		}
	}
}

func TestEveryProblemIsReportedWithItsWayOut(t *testing.T) {
	for flag, want := range map[string][]string{
		"": {"an entry is empty"},
		"action=ts,product_id=a,product_id=b,time=soon,zone=Mars,decimal=x,header=maybe,kind=xml,quote=`,separator=ab,encoding=klingon": {
			`"action" is neither a field nor a setting: the fields are event_id, event_type`, "product_id is given twice",
			"decimal=x is not known: give comma or point", "header=maybe is not known: give yes or no", "give csv or jsonl", "give double, single or none", "give one character",
		},
		"product_id=sku,time=soon,zone=Mars,encoding=klingon": {
			`time "soon" is not a format`, `zone "Mars" is not known: give a name`, `encoding "klingon" is not known: give utf-8`,
			"event_type is missing: write event_type=COLUMN, or event_type='view'", "timestamp is missing", "user_id and session_id are missing",
		},
		"auto,event_type='Add To Cart'": {`"Add To Cart" is not snake_case`},
		"auto,timestamp='2024'":         {"timestamp cannot be the same in every event"},
		"auto,price='cheap'":            {`"cheap" is not a price`},
		"auto,quantity='0'":             {`"0" is not a whole number of 1 or more`},
		"auto,event_type:a=Bad":         {`"Bad" is not snake_case`},
		"auto,event_type:a":             {"event_type:a lacks what it becomes"},
		"auto,event_type:a=b,a=c":       {"event_type:a is given twice"},
		"auto,user_id":                  {"user_id lacks its column"},
		"auto,user_id=":                 {"the column's name is empty"},
		"auto,user_id=#0":               {`"#0" is not a position`},
		"auto,user_id=#x":               {`"#x" is not a position`},
		"auto,user_id=a+b":              {"only timestamp may be made of several"},
		"auto,user_id=a=b":              {"put a name that holds one in double quotes"},
		"auto,user_id='a":               {"a quote is opened and not closed"},
		"auto,user_id='a'b":             {"write a quote in a quoted text twice"},
		"auto,time=hh:mm DD.MM.YYYY":    {"hh needs A"},
		"auto,user_id=name,header=no":   {`a file without a header has no column "name": give its position`},
		"auto,user_id=#1,kind=jsonl":    {"JSON lines have no column #1"},
		"auto,separator='":              {"a quote is opened"},
		"auto,drop":                     {"drop lacks its columns: write drop=COLUMN"},
		"auto,drop=":                    {"drop: the column's name is empty"},
		"auto,drop='a'":                 {`drop: "a" is a text, and columns are expected: put a name in double quotes`},
		"auto,drop=a,drop=b":            {"drop is given twice: give it once"},
		"auto,drop=a+uid,user_id=uid":   {"drop: the column uid is user_id, too: take it out of one of them"},
		"auto,drop=a,header=no":         {`drop: a file without a header has no column "a": give its position, as in drop=#1`},
		"auto,skip=-1":                  {"skip=-1 is not known: give a number of lines"},
		"auto,\xff":                     {"not UTF-8"},
		"user_id=uid,timestamp=t,event_type='view',event_type:a=view": {"the texts to replace belong to no column"},
	} {
		_, err := Parse(flag)
		if err == nil {
			t.Errorf("%s is taken", flag)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: the error lacks %q:\n%v", flag, w, err)
			}
		}
	}
}

// random is a mapping that Check takes.
func random(r *rand.Rand) Mapping {
	texts := []string{"a", "view", "it's", `say "x"`, "a,b", "a=b", "a+b", "#1", "time", "event_type", "auto", "x: y", "ü", " padded ", "user.id", "e:f", "'", `"`, "\n", "date", "drop", "skip"}
	some := func() string { return texts[r.IntN(len(texts))] }
	m := Mapping{Auto: true}
	for _, field := range fields {
		switch r.IntN(4) {
		case 0:
			c := Columns{{Name: some()}}
			if r.IntN(4) == 0 {
				c = Columns{{Position: 1 + r.IntN(20)}}
			}
			if field == "timestamp" && r.IntN(2) == 0 {
				c = append(c, Column{Name: some()})
			}
			m.setColumns(field, c)
			for range r.IntN(3) {
				to := some()
				if field == "event_type" {
					to = "view"
				}
				from := some()
				if r.IntN(5) == 0 {
					from = ""
				}
				m.setValue(field, from, to)
			}
		case 1:
			switch field {
			case "event_id", "timestamp":
			case "event_type":
				m.setConstant(field, "purchase")
			case "price", "quantity":
				m.setConstant(field, "12")
			default:
				m.setConstant(field, some())
			}
		}
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	m.Time = pick("", "rfc3339", "unix_us", "02.01.2006 15:04", "MMM D, YYYY h:mm A", "YYYY-MM-DD'HH:mm", " YYYY-MM-DD")
	m.Zone = pick("", "Europe/Berlin", "UTC")
	m.Encoding = pick("", "latin1", "utf-16le")
	m.Kind = pick("", KindCSV)
	m.DecimalComma = r.IntN(2) == 0
	m.Skip = r.IntN(3)
	for range r.IntN(3) {
		c := Column{Name: "dropped " + some()}
		if r.IntN(4) == 0 {
			c = Column{Position: 30 + r.IntN(3)}
		}
		m.Drop = append(m.Drop, c)
	}
	m.Separator = []byte{0, ',', ';', '\t', '|', ' ', '^'}[r.IntN(7)]
	m.Quote = []byte{0, '"', '\'', NoQuote}[r.IntN(4)]
	return m
}

func TestStringAndSaveAreReadBackToAnEqualMapping(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 20_000 {
		want := random(r)
		if err := want.Check(); err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		got, err := Parse(want.String())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is read back as\n%+v, %v; want\n%+v", want, got, err, want)
		}
		if r.IntN(10) > 0 {
			continue // YAML is slow
		}
		var file bytes.Buffer
		if err := want.Save(&file); err != nil {
			t.Fatal(err)
		}
		text := file.String()
		if got, err = Load(&file); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nis read back as\n%+v, %v; want\n%+v", text, got, err, want)
		}
	}
}

func TestLoadReportsWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"columns: {event_typ: a}\n":                       `"event_typ" is no field of an event`,
		"auto: true\ncolumns: {user_id: 'a,b'}\n":         `",b" follows the column`,
		"auto: true\ncolumns: {user_id: a, user_id: b}\n": "twice",
		"auto: true\nzone: Mars\n":                        "zone",
		"auto: true\nquote: x\n":                          "give double, single or none",
		"auto: true\ndrop: 'a,b'\n":                       `drop: ",b" follows the column`,
		"auto: true\ndrop: #3\n":                          "a position in quotes, as in '#3'",
		"auto: true\nskip: -1\n":                          "skip=-1 is no number of lines",
		"colums: {}\n":                                    "colums",
		"event_time,event_type\n":                         "not as expected",
		strings.Repeat("#", maxFile+1):                    "is it the file of events?",
	} {
		if _, err := Load(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error is %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"event_type=action,timestamp=ts,product_id=sku,user_id=uid,source='shop-a'",
		"auto,event_type:pv=view,buy=purchase,'time'=search", "event_type='view',timestamp=a+\"b+\",session_id=#3,time='DD.MM.YYYY',separator=tab",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, flag string) {
		m, err := Parse(flag)
		if err != nil {
			return
		}
		again, err := Parse(m.String())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q is %+v, and %q is %+v, %v", flag, m, m.String(), again, err)
		}
	})
}
