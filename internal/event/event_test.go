package event

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func valid() Event {
	return Event{ID: "e1", Type: TypeView, Timestamp: MillisOf(time.Date(2026, 11, 22, 10, 4, 5, 123e6, time.UTC)),
		SessionID: "s1", ProductID: "p1", Quantity: 1}
}

var noon = MillisOf(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))

func TestE2_DecodeOfEncodeIsTheIdentity(t *testing.T) {
	full := valid()
	full.UserID, full.ProductCategory, full.Brand, full.Currency = "ü\"\\\n\x01", "a.b", "bränd", "EUR"
	full.DeviceType, full.PageURL, full.OrderID, full.Source = "mobile", "https://x.test/?a=1&b=</script>", "o-1", "shop"
	full.Price, full.HasPrice, full.Quantity = 12_3400, true, 3
	full.Properties = `{"a": [1, {"b":null}], "c":"\u00e9"}`
	free := valid()
	free.HasPrice = true
	for _, want := range []Event{valid(), full, free} {
		var got Event
		text := want.AppendJSON(nil)
		if err := new(Decoder).Decode(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got != want {
			t.Errorf("%s\n got %+v\nwant %+v", text, got, want)
		}
		if err := got.Validate(noon); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFieldsComeInAFixedOrder(t *testing.T) {
	e := valid()
	e.UserID, e.Brand, e.Price, e.HasPrice, e.Quantity, e.Properties = "u1", "b", 9_9900, true, 2, `{"x":1}`
	const want = `{"event_id":"e1","event_type":"view","timestamp":"2026-11-22T10:04:05.123Z","user_id":"u1","session_id":"s1",` +
		`"product_id":"p1","brand":"b","price":9.99,"quantity":2,"properties":{"x":1}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnknownFieldsAreFoldedIntoProperties(t *testing.T) {
	const head = `{"event_id":"1","event_type":"page","timestamp":"2026-01-02T03:04:05Z","user_id":"u"`
	for in, want := range map[string]string{
		head + `}`:                                                                  "",
		head + `,"properties":{ }}`:                                                 "",
		head + `,"properties":null,"brand":null}`:                                   "",
		head + `,"ip":"10.0.0.1","n":1.5e3}`:                                        `{"ip":"10.0.0.1","n":1.5e3}`,
		head + `,"a":1,"properties":{"z":[1,2]},"b":{"c":"\ud83d"}}`:                `{"z":[1,2],"a":1,"b":{"c":"\ud83d"}}`,
		head + `, "k\"ey" : true , "properties" : {} }`:                             `{"k\"ey":true}`,
		head + `,"gone":null}`:                                                      `{"gone":null}`,
		head + `,"deep":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`: `{"deep":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`,
	} {
		var e Event
		if err := new(Decoder).Decode([]byte(in), &e); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if e.Properties != want {
			t.Errorf("%s: properties %s, want %s", in, e.Properties, want)
		}
	}
}

func TestBrokenTextIsNamed(t *testing.T) {
	const head = `{"event_id":"1","event_type":"view","timestamp":"2026-01-02T03:04:05Z","user_id":"u","product_id":"p"`
	for in, want := range map[string]string{
		``:                              "bad_json",
		`[]`:                            "bad_json",
		`{}`:                            "missing_field timestamp",
		`{"event_id":"1"}`:              "missing_field timestamp",
		`{"timestamp":null}`:            "missing_field timestamp",
		head:                            "bad_json",
		head + `}}`:                     "bad_json",
		head + `,}`:                     "bad_json",
		head + `,"x":01}`:               "bad_json",
		head + `,"x":tru}`:              "bad_json",
		head + `,"x":"\x"}`:             "bad_json",
		head + `,"x":"` + "\n\"}":       "bad_json",
		head + `,"brand":"\u12"}`:       "bad_json",
		head + `,"brand":"` + "\xff\"}": "bad_encoding",
		head + `,"brand":1}`:            "bad_type brand",
		head + `,"brand":[}`:            "bad_json",
		head + `,"price":"1"}`:          "bad_type price",
		head + `,"price":-1}`:           "bad_price price",
		head + `,"price":1e300}`:        "bad_price price",
		head + `,"quantity":0}`:         "bad_quantity quantity",
		head + `,"quantity":1.5}`:       "bad_quantity quantity",
		head + `,"properties":[]}`:      "bad_type properties",
		head + `,"user_id":"v"}`:        "duplicate_field user_id",
		head + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: "bad_json",
		`{"timestamp":"2026-02-29T00:00:00Z"}`:                                     "bad_time timestamp",
		`{"timestamp":"2026-01-02T03:04:05"}`:                                      "bad_time timestamp",
		`{"timestamp":1767323045}`:                                                 "bad_type timestamp",
		strings.Repeat(" ", MaxValue+1):                                            "too_long",
	} {
		var e Event
		err := new(Decoder).Decode([]byte(in), &e)
		if got := nameOf(err); got != want {
			t.Errorf("%.120q: got %q (%v), want %q", in, got, err, want)
		}
	}
}

func nameOf(err error) string {
	var rej *Rejection
	if !errors.As(err, &rej) {
		return ""
	}
	return strings.TrimSpace(string(rej.Reason) + " " + rej.Field)
}

func TestE2_PropertiesOf32KiBGetOntoTheLog(t *testing.T) {
	e := valid()
	e.Properties = `{"a":"` + strings.Repeat("x", 32<<10-8) + `"}`
	if err := e.Validate(noon); err != nil {
		t.Fatalf("%d bytes: %v", len(e.Properties), err)
	}
	var again Event
	if err := new(Decoder).Decode(e.AppendJSON(nil), &again); err != nil || again != e {
		t.Errorf("read again it is %+.80v, %v", again, err)
	}
}

func TestEveryRuleIsNamed(t *testing.T) {
	long := strings.Repeat("x", 129)
	for want, change := range map[string]func(*Event){
		"":                          func(*Event) {},
		"missing_field event_id":    func(e *Event) { e.ID = "" },
		"missing_field event_type":  func(e *Event) { e.Type = "" },
		"bad_event_type event_type": func(e *Event) { e.Type = "Add-To-Cart" },
		"too_long event_type":       func(e *Event) { e.Type = strings.Repeat("x", 65) },
		"too_long event_id":         func(e *Event) { e.ID = long },
		"too_long product_id":       func(e *Event) { e.ProductID = long },
		"too_long page_url":         func(e *Event) { e.PageURL = strings.Repeat("x", maxURL+1) },
		"too_long properties":       func(e *Event) { e.Properties = `{"a":"` + strings.Repeat("x", MaxProperties) + `"}` },
		"too_old timestamp":         func(e *Event) { e.Timestamp = earliest - 1 },
		"too_far_ahead timestamp":   func(e *Event) { e.Timestamp = noon + maxAhead + 1 },
		"missing_field user_id":     func(e *Event) { e.SessionID = "" },
		"missing_field product_id":  func(e *Event) { e.ProductID = "" },
		"bad_price price":           func(e *Event) { e.Price, e.HasPrice = -1, true },
		"bad_quantity quantity":     func(e *Event) { e.Quantity = 0 },
	} {
		e := valid()
		change(&e)
		if got := nameOf(e.Validate(noon)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	search := valid()
	search.Type, search.ProductID = TypeSearch, ""
	if err := search.Validate(noon); err != nil {
		t.Errorf("a search needs no product: %v", err)
	}
}

func TestARecordWithAnotherKeyOrPartitionIsInvalid(t *testing.T) {
	e := valid()
	r := Record{Key: []byte("p1"), Value: e.AppendJSON(nil), Partition: Partition("p1", 12), Received: noon}
	read := func(r Record) string {
		var got Event
		return nameOf(new(Decoder).ReadRecord(r, 12, &got))
	}
	if got := read(r); got != "" {
		t.Errorf("a right record: %s", got)
	}
	other := r
	other.Key = []byte("s1")
	if got := read(other); got != "wrong_key" {
		t.Errorf("another key: %q", got)
	}
	other = r
	other.Partition = (r.Partition + 1) % 12
	if got := read(other); got != "wrong_key" {
		t.Errorf("another partition: %q", got)
	}
	other = r
	other.Received = e.Timestamp - maxAhead - 1
	if got := read(other); got != "too_far_ahead timestamp" {
		t.Errorf("a clock a day ahead: %q", got)
	}
}

func TestPartitionIsKafkas(t *testing.T) {
	kafkas := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	key := ""
	for i := range 300 {
		key += string(rune('a' + i%7*31))
		if got, want := Partition(key, 12), int32(kafkas.Partition(&kgo.Record{Key: []byte(key)}, 12)); got != want {
			t.Fatalf("key %q: partition %d, Kafka's is %d", key, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		in      string
		lenient bool
		want    string
	}{
		{"2026-11-22T10:04:05Z", false, "2026-11-22T10:04:05.000Z"},
		{"2026-11-22t10:04:05.1z", false, "2026-11-22T10:04:05.100Z"},
		{"2026-11-22T10:04:05.123999+02:30", false, "2026-11-22T07:34:05.123Z"},
		{"2024-02-29T23:59:59.9999999-11:00", false, "2024-03-01T10:59:59.999Z"},
		{"1999-12-31T23:59:59Z", false, "1999-12-31T23:59:59.000Z"},
		{"1969-12-31T23:59:59.5Z", false, "1969-12-31T23:59:59.500Z"},
		{"2019-10-01 00:00:00 UTC", true, "2019-10-01T00:00:00.000Z"},
		{"2019-10-01T00:00:00.123456", true, "2019-10-01T00:00:00.123Z"},
		{"2019-10-01 00:00:00 UTC", false, ""},
		{"2026-11-22T24:00:00Z", true, ""}, {"2026-13-22T10:00:00Z", true, ""}, {"2026-11-31T10:00:00Z", true, ""},
		{"2026-11-22T10:04:05.Z", true, ""}, {"2026-11-22T10:04:05+2:00", true, ""}, {"2026-11-22", true, ""},
		{"2026-1a-22T10:04:05Z", true, ""}, {"2026-11-22T10:04:05+24:00", true, ""}, {"", true, ""},
	} {
		got, ok := ParseTime(c.in, c.lenient)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%q: got %s %v, want %s", c.in, got, ok, c.want)
		}
	}
	for _, ms := range []int64{0, -1, 951782400000, 4102444799999, 1582934400123} {
		if got, want := Millis(ms).String(), time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00"); got != want {
			t.Errorf("%d: got %s, want %s", ms, got, want)
		}
	}
}

func TestPricesAreKeptToFourPlaces(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "0.00": "0", "12.5": "12.5", "541": "541", "9.99995": "10", "0.00004": "0", "0.00005": "0.0001",
		"1e2": "100", "1.25e-2": "0.0125", "-0": "0", "12.989999999999998": "12.99", "999999999.9999": "999999999.9999",
		"1000000000": "1000000000", "1000000001": "", "-0.01": "", "1234567890123456789": "", "1e400": "",
	} {
		got, ok := ParsePrice(in)
		if ok != (want != "") || ok && string(AppendPrice(nil, got)) != want {
			t.Errorf("%s: got %s %v, want %s", in, AppendPrice(nil, got), ok, want)
		}
	}
}

func TestALenientReadingTakesWhatProducersSend(t *testing.T) {
	d := Decoder{Lenient: true}
	var e Event
	in := `{"event_id":7,"event_type":"view","timestamp":1569888000,"user_id":541312140123456789,"product_id":44600062,"price":"35.79","quantity":"2"}`
	if err := d.Decode([]byte(in), &e); err != nil {
		t.Fatal(err)
	}
	want := Event{ID: "7", Type: "view", Timestamp: 1569888000000, UserID: "541312140123456789", ProductID: "44600062", Price: 357900, HasPrice: true, Quantity: 2}
	if e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	in = `{"timestamp":1569888000123,"user_id":true}`
	if got := nameOf(d.Decode([]byte(in), &e)); got != "bad_type user_id" {
		t.Errorf("got %q", got)
	}
	if e.Timestamp != 1569888000123 {
		t.Errorf("milliseconds: got %d", e.Timestamp)
	}
}

func TestE3_IdentityIsKeyTypeTimeAndID(t *testing.T) {
	base := valid()
	same := base
	same.Brand, same.UserID, same.Price, same.HasPrice = "other", "u9", 5, true
	if same.IdentityHash(HashKey{}) != base.IdentityHash(HashKey{}) {
		t.Error("other fields are no part of the identity")
	}
	for name, change := range map[string]func(*Event){
		"id": func(e *Event) { e.ID = "e2" }, "type": func(e *Event) { e.Type = TypePurchase },
		"time": func(e *Event) { e.Timestamp++ }, "key": func(e *Event) { e.ProductID = "p2" },
		"shifted": func(e *Event) { e.ProductID, e.Type = "p1v", "iew" },
	} {
		other := base
		change(&other)
		if other.IdentityHash(HashKey{}) == base.IdentityHash(HashKey{}) {
			t.Errorf("another %s is another identity", name)
		}
	}
	longest := Event{ID: strings.Repeat("i", maxID), ProductID: strings.Repeat("p", maxID), Type: strings.Repeat("t", maxType)}
	if n := testing.AllocsPerRun(10, func() { longest.IdentityHash(HashKey{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	full := valid()
	full.UserID, full.Brand, full.Price, full.HasPrice, full.Properties = "u", "b", 1, true, `{"a":1}`
	text := full.AppendJSON(nil)
	var d Decoder
	var e Event
	if n := testing.AllocsPerRun(100, func() { _ = d.Decode(text, &e) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func TestAlerts(t *testing.T) {
	start := noon.Time()
	r := DefaultRule()
	a := Alert{ID: r.AlertID("p1", noon), Rule: r.String(), ProductID: "p1", WindowStart: start, WindowEnd: start.Add(r.Window),
		Status: Confirmed, Views: 120, Purchases: 3, ConversionRate: ConversionRate(120, 3), Version: 17, Exact: true}
	text, err := a.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeAlert(text); err != nil || got != a {
		t.Errorf("got %+v %v, want %+v", got, err, a)
	}
	for _, bad := range []string{``, `{}`, `{"alert_id":"1","rule":"r","product_id":"p","status":"odd"}`, `null`} {
		if _, err := DecodeAlert([]byte(bad)); nameOf(err) == "" {
			t.Errorf("%s: no named error: %v", bad, err)
		}
	}
	other := r
	other.Lateness = 2 * time.Minute
	if other.AlertID("p1", noon) == a.ID || r.AlertID("p1", noon+60_000) == a.ID || r.AlertID("p2", noon) == a.ID {
		t.Error("rule, product and window make the id")
	}
	for _, c := range []struct {
		v, p int
		want float64
	}{{0, 0, 0}, {0, 5, 0}, {3, 1, 33.3333}, {3, 2, 66.6667}, {100, 5, 5}, {1, 3, 300}} {
		if got := ConversionRate(c.v, c.p); got != c.want {
			t.Errorf("%d of %d: got %v, want %v", c.p, c.v, got, c.want)
		}
	}
}

func TestARulesProblemsAreReportedTogether(t *testing.T) {
	if err := DefaultRule().Validate(); err != nil {
		t.Error(err)
	}
	err := Rule{ViewsOver: -1, Window: 7 * time.Minute, Slide: 2 * time.Minute, Lateness: -1}.Validate()
	for _, want := range []string{"views-over", "purchases-under", "window is 7m:", "lateness"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func FuzzE2_DecodeReturnsAnEventOrANamedError(f *testing.F) {
	e := valid()
	e.UserID, e.Price, e.HasPrice, e.Properties = "ü\"", 9_9900, true, `{"a":[1]}`
	f.Add(e.AppendJSON(nil))
	f.Add([]byte(`{"timestamp":"2026-11-22 10:04:05 UTC","x":{"y":[1,2,"\ud83d\ude00"]},"properties":{"z":1},"price":1e3,"quantity":"7"}`))
	f.Add([]byte(`{"timestamp":1,"event_id":null,"k\u0065y":"\\"}`))
	f.Add([]byte("{\"timestamp\":\"\xff"))
	all := full()
	f.Add(all.AppendJSON(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		bothWays(t, in)
		for _, d := range []Decoder{{}, {Lenient: true}} {
			var e, again Event
			if err := d.Decode(in, &e); err != nil {
				if nameOf(err) == "" {
					t.Fatalf("unnamed error %v", err)
				}
				continue
			}
			if e.Validate(noon) != nil {
				continue
			}
			text := e.AppendJSON(nil)
			if err := new(Decoder).Decode(text, &again); err != nil {
				t.Fatalf("%q became %q: %v", in, text, err)
			}
			if again != e {
				t.Fatalf("%q became\n%+v, want\n%+v", in, again, e)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	e := valid()
	e.UserID, e.ProductCategory, e.Brand, e.Price, e.HasPrice = "user_0001234", "electronics.smartphone", "samsung", 1305_6000, true
	e.DeviceType, e.PageURL = "mobile", "https://shop.example/p/1004856"
	text := e.AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var d Decoder
	for b.Loop() {
		if err := d.Decode(text, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadRecord(b *testing.B) {
	e := valid()
	e.UserID, e.ProductCategory, e.Brand, e.Price, e.HasPrice = "user_0001234", "electronics.smartphone", "samsung", 1305_6000, true
	e.DeviceType, e.PageURL = "mobile", "https://shop.example/p/1004856"
	r := Record{Key: []byte(e.ProductID), Value: e.AppendJSON(nil), Received: e.Timestamp}
	b.SetBytes(int64(len(r.Value)))
	b.ReportAllocs()
	var d Decoder
	for b.Loop() {
		if err := d.ReadRecord(r, 1, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestARuleIsReadAsItIsWritten(t *testing.T) {
	r := Rule{ViewsOver: 7, PurchasesUnder: 2, Window: 90 * time.Second, Slide: 30 * time.Second, Lateness: 1500 * time.Millisecond}
	if got, err := ParseRule(r.String()); err != nil || got != r {
		t.Errorf("%s is read as %+v, %v", r, got, err)
	}
	for _, bad := range []string{"", "flash_sale", "flash_sale(views>7,purchases<2)", DefaultRule().String() + " ", "flash_sale(views>7,purchases<2,window=1h,slide=1m0s,lateness=0s)"} {
		if _, err := ParseRule(bad); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
