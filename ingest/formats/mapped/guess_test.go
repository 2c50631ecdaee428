package mapped_test

import (
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // as the program has it

	"go.uber.org/goleak"
	"golang.org/x/text/encoding/charmap"

	"clickstream/ingest/formats"
	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/mapping"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parsed(t *testing.T, flag string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse(flag)
	if err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	return &m
}

func latin1(t *testing.T, text string) string {
	t.Helper()
	out, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGuesses(t *testing.T) {
	const zone = "The times name no zone and are read as UTC"
	for _, tt := range []struct {
		name, given, file, want string
		doubts, missing         []string // how each begins
	}{
		{
			name: "nothing is known", file: "a,b,c\n1,x,2\n2,y,3\n",
			missing: []string{
				`event_type: no column holds words such as view and purchase: give event_type=COLUMN, or event_type='view' if every row is one; the columns left are a ("1", "2"), b ("x", "y"), c ("2", "3").`,
				"timestamp: no column holds times that can be read: give timestamp=COLUMN and how", "user_id: no column has a name for visitors", "product_id: no column has a name for products",
			},
		},
		{
			name: "no header", file: "2024-01-02 10:00:00,view,p1,u1\n2024-01-02 10:00:01,buy,p2,u2\n",
			want:    "event_type=#2,event_type:buy=purchase,timestamp=#1,header=no",
			doubts:  []string{"The first row looks like an event", zone, "No column has a name for the time of an event; #1", `No column has a name for the type of an event; #2 is taken for it, since it holds "buy", "view".`},
			missing: []string{`user_id: no column has a name for visitors or sessions: give user_id=COLUMN or session_id=COLUMN; the columns left are #3 ("p1", "p2"), #4 ("u1", "u2").`, "product_id: "},
		},
		{
			name: "no header, the rest given", given: "auto,user_id=#4,product_id=#3,header=no", file: "2024-01-02 10:00:00,view,p1,u1\n2024-01-02 10:00:01,buy,p2,u2\n",
			want:   "event_type=#2,event_type:buy=purchase,timestamp=#1,user_id=#4,product_id=#3,header=no",
			doubts: []string{zone, "No column has a name for the time", "No column has a name for the type"},
		},
		{
			name: "orders", file: "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n536365,85123A,6,12/1/2010 8:26,2.55,17850,United Kingdom\n536366,71053,6,12/13/2010 8:28,3.39,17850,\n",
			want:    "timestamp=InvoiceDate,user_id=CustomerID,product_id=StockCode,price=UnitPrice,quantity=Quantity,order_id=InvoiceNo,time=M/D/YYYY HH:mm",
			doubts:  []string{zone},
			missing: []string{"event_type: no column holds words such as view and purchase: give event_type=COLUMN, or event_type='purchase' if every row is one; the columns left are Country"},
		},
		{
			name: "types as numbers", file: "user_id,item_id,behavior_type,item_category,time\n98,23,1,4245,2014-12-06 02\n97,38,4,5894,2014-12-09 20\n",
			want:   "event_type=behavior_type,timestamp=time,user_id=user_id,product_id=item_id,product_category=item_category,time=YYYY-MM-DD HH",
			doubts: []string{zone}, missing: []string{`event_type: the column behavior_type holds "1", "4", which are no names of event types: say what they are, as in event_type:1=view.`},
		},
		{
			name: "types as numbers, given", given: "auto,event_type:1=view,4=purchase,zone=Asia/Shanghai", file: "user_id,item_id,behavior_type,time\n98,23,1,2014-12-06 02\n97,38,4,2014-12-09 20\n",
			want: "event_type=behavior_type,event_type:1=view,4=purchase,timestamp=time,user_id=user_id,product_id=item_id,time=YYYY-MM-DD HH,zone=Asia/Shanghai",
		},
		{
			name: "a column that is empty at first", file: "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n1433224214164,992329,addtocart,248676,\n",
			want: "event_type=event,event_type:addtocart=add_to_cart,timestamp=timestamp,user_id=visitorid,product_id=itemid,order_id=transactionid,time=unix_ms",
		},
		{
			name: "days that may be months", file: "date,event,product,customer\n01/02/2024,view,a,x\n03/04/2024,view,b,y\n",
			want:   "event_type=event,timestamp=date,user_id=customer,product_id=product,time=MM/DD/YYYY",
			doubts: []string{"Day and month cannot be told apart in the column date: it is read as MM/DD/YYYY; if it is the other way round, give time='DD/MM/YYYY'.", zone, "The column date holds days without a time of day"},
		},
		{
			name: "days that can only be days", file: "date;time;event;product;customer;price\n11.12.2024;9:05 PM;view;a;x;1.234\n31.12.2024;9:05 AM;view;b;y;12,5\n",
			want:   "event_type=event,timestamp=date+time,user_id=customer,product_id=product,price=price,time=DD.MM.YYYY h:mm A,decimal=comma,separator=;",
			doubts: []string{zone},
		},
		{
			name: "columns of a date and a time, given", given: "auto,timestamp=d+t", file: "d,t,event,product,customer\n2024-12-31,10:00,view,a,x\n",
			want: "event_type=event,timestamp=d+t,user_id=customer,product_id=product,time=YYYY-MM-DD HH:mm", doubts: []string{zone},
		},
		{
			name: "addresses and unknown types", file: "ts,type,sku,email\n1700000000,view,p,a@b.de\n1700000001,News Letter,p,c@d.de\n1700000002,12,p,c@d.de\n",
			want: "event_type=type,event_type:News Letter=news_letter,timestamp=ts,product_id=sku,drop=email,time=unix_s",
			doubts: []string{
				"The column email seems to hold e-mail addresses and is left out; to keep it as a property, give this mapping without it in drop=.", `The column type also holds "12", which are no names of event types, so these rows are rejected: say what they are, as in event_type:12=view.`,
				`The meaning of "News Letter" in the column type is not known: such events are stored under that name`,
			},
			missing: []string{"user_id: no column has a name"},
		},
		{
			name: "words for nothing", file: "time,type,sku,user,price,source\n2024-01-02T10:00:00Z,view,p1,NULL,-,google\n2024-01-02T10:00:00Z,view,p1,5,\"1,234\",\n",
			want:   "event_type=type,timestamp=time,user_id=user,user_id:NULL='',product_id=sku,price=price,price:-='',source=source",
			doubts: []string{"The column source is read as the shop", `Whether "1,234" is more than a thousand`},
		},
		{
			name: "pages of products, and pages", file: "time,type,sku,user\n2024-01-02T10:00:00Z,page_view,p1,1\n2024-01-02T10:00:00Z,visit,,1\n2024-01-02T10:00:00Z,purchase,p1,1\n",
			want: "event_type=type,event_type:page_view=view,visit=page,timestamp=time,user_id=user,product_id=sku",
		},
		{
			name: "Latin-1", file: latin1(t, "Zeit;Ereignis;Artikel;Kunde;Größe\n2024-01-02T10:00:00Z;Ansicht;p1;Müller;1\n"),
			want: "event_type=Ereignis,event_type:Ansicht=view,timestamp=Zeit,user_id=Kunde,product_id=Artikel,separator=;,encoding=windows-1252", doubts: []string{"The file is not UTF-8"},
		},
		{
			name: "single quotes around a few", file: "sep=|\ntime|type|sku|user\n2024-01-02T10:00:00Z|view|'p|1'|it's\n2024-01-02T10:00:00Z|view|p1|5\n",
			want: "event_type=type,timestamp=time,user_id=user,product_id=sku,separator=|,quote=single",
		},
		{
			name: "a header, and a position is given", given: "auto,user_id=#4", file: "time,type,sku,x\n2024-01-02T10:00:00Z,view,p1,u\n",
			want: "event_type=type,timestamp=time,user_id=#4,product_id=sku",
		},
		{
			name: "a JSON array", file: `[{"event_type":"view","timestamp":1700000000123,"user":{"id":5},"properties":{"sku":"p"}},` + "\n" + `{"event_type":"view"`,
			want: "event_type=event_type,timestamp=timestamp,user_id=user.id,product_id=properties.sku,time=unix_ms",
		},
		{
			name: "personal data", given: "auto,zone=UTC",
			file: "ts,type,sku,user,E-Mail,Handy,Fax,client ip,E-Mail,phone_model,ean,seite\n" +
				"1700000000,view,p,u1,a@b.de,0171 2345678,,10.0.0.1,,x1,0049123456789,https://x.de/@a.b\n1700000001,view,p,u2,,+49 171 2345679,,2001:db8::1,c@d.de,x2,0049123456788,https://x.de/@a.b\n",
			want: `event_type=type,timestamp=ts,user_id=user,product_id=sku,page_url=seite,drop=E-Mail+Handy+Fax+client ip+#9,time=unix_s,zone=UTC`,
			doubts: []string{
				"The column E-Mail seems to hold e-mail addresses", "The column Handy seems to hold phone numbers", "The column Fax seems to hold phone numbers",
				"The column client ip seems to hold IP addresses", "The column #9 seems to hold e-mail addresses",
			},
		},
		{
			name: "personal data, given and of visitors", given: "auto,drop=sku+phone",
			file: "ts,type,sku,item,user,phone,email\n1700000000,view,s,p,a@b.de,1,a@b.de\n",
			want: "event_type=type,timestamp=ts,user_id=user,product_id=item,drop=sku+phone,time=unix_s",
			doubts: []string{
				"The column user holds e-mail addresses, which are stored as they are; if they should not be, use another",
				"The column email holds e-mail addresses, which are stored as they are; if they should not be, add it to drop=sku+phone.",
			},
		},
		{
			name: "personal data in JSON", file: `{"event":"view","ts":1700000000,"sku":"p","user":{"id":"1","email":"a@b.de"}}` + "\n",
			want: "event_type=event,timestamp=ts,user_id=user.id,product_id=sku,drop=user.email,time=unix_s", doubts: []string{"The column user.email seems"},
		},
		{
			name: "lines before the header", file: "Klicks, Stand 24.11.2026\r\n\r\nZeit;Ereignis;Artikel;Kunde;\r\n2024-01-02T10:00:00Z;Ansicht;p1;k;\r\n2024-01-02T10:00:00Z;Ansicht;p2;k;\r\n",
			want:   "event_type=Ereignis,event_type:Ansicht=view,timestamp=Zeit,user_id=Kunde,product_id=Artikel,separator=;,skip=2",
			doubts: []string{"The first lines, 2 of them, come before the names of the columns and are skipped."},
		},
		{
			name: "lines before the header as wide as it", file: "Export,,,\n,,,\ntime,type,sku,user\n2024-01-02T10:00:00Z,view,p1,k\n",
			want: "event_type=type,timestamp=time,user_id=user,product_id=sku,skip=2", doubts: []string{"The first lines, 2 of them"},
		},
		{
			name: "the separator, a title and single quotes", file: "sep=|\nKlicks\ntime|type|sku|user\n2024-01-02T10:00:00Z|view|'p|1'|5\n",
			want: "event_type=type,timestamp=time,user_id=user,product_id=sku,separator=|,quote=single,skip=2", doubts: []string{"The first lines, 2 of them"},
		},
		{
			name: "a sparse first row is no title", given: "auto,user_id=#3,product_id=#4", file: "2024-01-02T10:00:00Z,search,,\n2024-01-02T10:00:01Z,view,u,p\n2024-01-02T10:00:01Z,buy,u,p\n",
			want: "event_type=#2,event_type:buy=purchase,timestamp=#1,user_id=#3,product_id=#4,header=no", doubts: []string{"The first row looks like an event", "No column", "No column"},
		},
		{
			name: "a title, and the header has no name that is known", file: "Klicks\na,b,c\n1,x,2\n2,y,3\n",
			want: "skip=1", doubts: []string{"The first lines, 1 of them"}, missing: []string{`event_type: no column holds words such as view and purchase: give event_type=COLUMN, or event_type='view' if every row is one; the columns left are a ("1", "2"),`, "timestamp: ", "user_id: ", "product_id: "},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var given mapping.Mapping
			if tt.given != "" {
				given = *parsed(t, tt.given)
			}
			guess, err := mapped.Guess(strings.NewReader(tt.file), given)
			if err != nil {
				t.Fatal(err)
			}
			if got := guess.Mapping.String(); got != tt.want {
				t.Errorf("the guess is\n%s\nwant\n%s", got, tt.want)
			}
			if !slices.EqualFunc(guess.Doubts, tt.doubts, strings.HasPrefix) {
				t.Errorf("the doubts are\n%s", strings.Join(guess.Doubts, "\n"))
			}
			if !slices.EqualFunc(guess.Missing, tt.missing, strings.HasPrefix) {
				t.Errorf("what is missing is\n%s", strings.Join(guess.Missing, "\n"))
			}
		})
	}
}

func TestThereIsNothingToGuessFrom(t *testing.T) {
	for file, want := range map[string]string{"": "the file is empty", "\n\n": "the file is empty", "{\"a\n{": `no row can be read: the file begins with "{\"a"`} {
		if _, err := mapped.Guess(strings.NewReader(file), mapping.Mapping{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %s", file, err, want)
		}
	}
}

// FuzzGuess: what is guessed of any bytes is a mapping, or something is missing.
func FuzzGuess(f *testing.F) {
	for _, seed := range []string{
		"ts,action,sku,uid\n1700000000,pv,p,u\n", "Datum;Zeit;Typ;Artikel;Kunde;Preis\n31.12.2024;10:00;Kauf;a;b;1,5\n", `{"user":{"id":1},"event":"view","time":"2024-01-02T10:00:00Z"}`,
		"'a','view',3\n", "sep=|\na|b\n01/02/24 3:04 PM|view\n",
		"Klicks\n\ntime,type,user,sku,email\n2024-01-02T10:00:00Z,view,u,p,a@b.de\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		guess, err := mapped.Guess(strings.NewReader(string(content)), mapping.Mapping{})
		if err != nil || len(guess.Missing) > 0 {
			return
		}
		m, err := mapping.Parse(guess.Mapping.String())
		if err != nil {
			t.Fatalf("%q is guessed as %s: %v", content, guess.Mapping, err)
		}
		r, err := formats.Open(strings.NewReader(string(content)), formats.Options{Mapping: &m, WithoutIDs: true})
		if err != nil {
			t.Fatalf("%q is guessed as %s: %v", content, guess.Mapping, err)
		}
		r.Close()
	})
}
