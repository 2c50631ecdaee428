package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// stranger is a way to write a shop's events that this project has not chosen.
type stranger struct {
	names     map[string]string // by the event's field; "time" and "extra" too
	types     []string          // of a view, a cart, a purchase and a search
	time      func(time.Time) []string
	cut       time.Duration // what the times are exact to
	price     func(cents int) string
	separator string // "json": JSON lines; "nested": with objects within
	quote     string
	mark      string // what comes first
	header    bool
	encode    func(string) (string, error)
	hard      bool // nobody can guess it
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func layout(l string) func(time.Time) []string {
	return func(t time.Time) []string { return []string{t.Format(l)} }
}

func names(of ...string) map[string]string {
	m := make(map[string]string)
	for i, field := range []string{"time", "event_type", "product_id", "user_id", "session_id", "price", "quantity", "brand", "extra", "clock"} {
		m[field] = of[i]
	}
	return m
}

func newStranger(r *rand.Rand) stranger {
	s := stranger{
		names: pick(r,
			names("ts", "action", "sku", "uid", "sid", "price", "qty", "brand", "country", "hour"),
			names("Datum", "Ereignis", "Artikel-Nr.", "Kunden-Nr.", "Sitzung", "Preis (€)", "Menge", "Marke", "Größe", "Uhrzeit"),
			names("fecha", "evento", "id_producto", "id_usuario", "sesión", "precio", "cantidad", "marca", "país", "hora"), //nolint:misspell // Spanish
			names("created_at", "behavior_type", "item_id", "visitor_uuid", "visit_id", "unit_price", "quantity", "manufacturer", "campaign", "time"),
			names("eventTime", "eventName", "productSku", "customerId", "sessionKey", "itemPrice", "itemQuantity", "brandName", "utmSource", "clock"),
			names("fld_timestamp", "fld_event", "fld_product", "fld_client_id", "fld_session", "fld_price", "fld_qty", "fld_brand", "fld_other", "fld_time"),
			names("Date", "Activity", "Article", "Shopper ID", "Visit", "Amount", "Units", "Maker", "Note", "Time"),
			names("horodatage", "évènement", "référence", "utilisateur", "séance", "prix unitaire", "quantité", "marque", "ville", "heure"),
		),
		types: pick(r,
			[]string{"view", "cart", "purchase", "search"}, []string{"pv", "cart", "buy", "search"}, []string{"Product Viewed", "Product Added", "Order Completed", "Products Searched"},
			[]string{"Ansicht", "Warenkorb", "Kauf", "Suche"}, []string{"click", "addtocart", "order", "query"}, []string{"vista", "carrito", "compra", "buscar"},
			[]string{"PAGE_VIEW", "ADD_TO_CART", "PURCHASE", "SEARCH"}, []string{"visit", "basket", "sale", "searched"}),
		cut: time.Second, price: func(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) },
		separator: pick(r, ",", ";", "\t", "|", "json", "nested"), quote: pick(r, `"`, `"`, `'`), header: true,
		encode: func(s string) (string, error) { return s, nil },
	}
	unix := func(unit int64) func(time.Time) []string {
		return func(t time.Time) []string { return []string{fmt.Sprint(t.UnixMicro() / unit)} }
	}
	switch r.IntN(10) {
	case 0:
		s.time = layout("02.01.2006 15:04:05")
	case 1:
		s.time, s.cut = layout("1/2/2006 3:04 PM"), time.Minute
	case 2:
		s.time = unix(1_000_000)
	case 3:
		s.time, s.cut = unix(1000), time.Millisecond
	case 4:
		s.time, s.cut = unix(1), time.Millisecond
	case 5:
		s.time, s.cut = layout("2006-01-02T15:04:05.000Z07:00"), time.Millisecond
	case 6:
		s.time, s.cut = layout("02/01/2006 15:04"), time.Minute
	case 7:
		s.time = layout("2006-01-02 15:04:05")
	case 8:
		s.time, s.cut = func(t time.Time) []string { return []string{t.Format("02.01.2006"), t.Format("15:04")} }, time.Minute
	case 9:
		s.time = layout("Jan 2, 2006 15:04:05")
	}
	json := s.separator == "json" || s.separator == "nested"
	if s.separator == ";" {
		s.price = func(cents int) string { return fmt.Sprintf("%d,%02d", cents/100, cents%100) }
	}
	codecs := map[string]encoding.Encoding{
		"latin1": charmap.Windows1252, "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "utf-16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	}
	if name := pick(r, "", "", "mark", "latin1", "utf-16le", "utf-16be"); name == "mark" {
		s.mark = "\xef\xbb\xbf"
	} else if name != "" && !(json && name == "latin1") {
		s.encode = codecs[name].NewEncoder().String
	}
	if r.IntN(12) == 0 {
		s.hard, s.types = true, []string{"1", "3", "4", "2"}
	}
	return s
}

// file writes rows and what they are as events.
func (s stranger) file(t *testing.T, r *rand.Rand) (content string, want []string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(s.mark)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	fields := []string{"time", "event_type", "product_id", "user_id", "session_id", "price", "quantity", "brand", "extra"}
	if len(s.time(at)) == 2 {
		fields = slices.Insert(fields, 1, "clock")
	}
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	csv := func(texts []string) {
		for i, text := range texts {
			if strings.ContainsAny(text, s.separator+s.quote+"\n") || s.quote == "'" {
				text = s.quote + strings.ReplaceAll(text, s.quote, s.quote+s.quote) + s.quote
			}
			if i > 0 {
				b.WriteString(s.separator)
			}
			b.WriteString(text)
		}
		b.WriteString("\r\n")
	}
	json := s.separator == "json" || s.separator == "nested"
	if !json {
		var header []string
		for _, f := range fields {
			header = append(header, s.names[f])
		}
		csv(header)
	}
	for range 300 {
		at = at.Add(time.Duration(r.IntN(20_000_000)) * time.Millisecond)
		kind := pick(r, 0, 0, 0, 1, 2, 3)
		cents := 1 + r.IntN(500_000)
		e := event.Event{
			Type: []string{event.TypeView, event.TypeAddToCart, event.TypePurchase, event.TypeSearch}[kind], Timestamp: event.MillisOf(at.Truncate(s.cut)),
			UserID: fmt.Sprint(10_000 + r.IntN(500)), SessionID: fmt.Sprintf("s-%d", r.IntN(900)), Quantity: 1,
		}
		row := map[string]string{"time": s.time(at)[0], "event_type": s.types[kind], "user_id": e.UserID, "session_id": e.SessionID, "extra": pick(r, "", "über, \"alles\"", "it's; fine|ok\ttab", "two\nlines")}
		if len(s.time(at)) == 2 {
			row["clock"] = s.time(at)[1]
		}
		if kind != 3 {
			e.ProductID, e.Brand = fmt.Sprintf("P%d", r.IntN(90)), pick(r, "Müller", "acme", "")
			row["product_id"], row["brand"] = e.ProductID, e.Brand
			e.Price, e.HasPrice = int64(cents)*100, true
			row["price"] = s.price(cents)
		}
		if kind == 2 {
			e.Quantity = int32(1 + r.IntN(3))
			row["quantity"] = fmt.Sprint(e.Quantity)
		}
		want = append(want, shown(&e))
		if json {
			b.WriteString(s.object(fields, row) + "\n")
			continue
		}
		var texts []string
		for _, f := range fields {
			texts = append(texts, row[f])
		}
		csv(texts)
	}
	content, err := s.encode(b.String())
	if err != nil {
		t.Fatal(err)
	}
	return content, want
}

func (s stranger) object(fields []string, row map[string]string) string {
	var members []string
	for _, f := range fields {
		value, _ := json.Marshal(row[f])
		name, _ := json.Marshal(s.names[f])
		member := fmt.Sprintf("%s:%s", name, value)
		if inner := map[string]string{"user_id": `"user":{"id"`, "product_id": `"item":{"sku"`, "brand": `"brand":{"name"`}[f]; s.separator == "nested" && inner != "" {
			member = fmt.Sprintf("%s:%s}", inner, value)
		}
		members = append(members, member)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// shown is what of an event a stranger's file says.
func shown(e *event.Event) string {
	e.ID, e.Properties = "", ""
	return string(e.AppendJSON(nil))
}

// TestTenFilesOfStrangers reads files whose names, separators, encodings and
// times come from a seed by what is guessed of them.
func TestTenFilesOfStrangers(t *testing.T) {
	right := 0
	for _, seed := range []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 20} { // the last one's types are numbers
		if readStranger(t, seed) {
			right++
		}
	}
	if right < 9 {
		t.Errorf("%d of 10 files are read right, want 9", right)
	}
}

// TestManyFilesOfStrangers: what is guessed is right, or it is not used.
func TestManyFilesOfStrangers(t *testing.T) {
	const files = 150
	right := 0
	for seed := range uint64(files) {
		if readStranger(t, 1000+seed) {
			right++
		}
	}
	t.Logf("%d of %d files are read right", right, files)
	if right < files*85/100 {
		t.Errorf("%d of %d files are read right, want 85%%", right, files)
	}
}

// readStranger says whether a seed's file gives its events. If not, there has
// to be a sentence that says what to give.
func readStranger(t *testing.T, seed uint64) bool {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	s := newStranger(r)
	content, want := s.file(t, r)
	guess, err := GuessMapping(strings.NewReader(content), mapping.Mapping{})
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
		return false
	}
	if len(guess.Missing) > 0 {
		if !s.hard {
			t.Logf("seed %d: %s misses %q", seed, guess.Mapping, guess.Missing)
		}
		for _, sentence := range guess.Missing {
			if !strings.Contains(sentence, "=") {
				t.Errorf("seed %d: %q does not say what to give", seed, sentence)
			}
		}
		return false
	}
	// What is shown to copy has to mean the same.
	m, err := mapping.Parse(guess.Mapping.String())
	if err != nil {
		t.Errorf("seed %d: the guess %s is not a mapping: %v", seed, guess.Mapping, err)
		return false
	}
	reader, err := Open(strings.NewReader(content), Options{Mapping: &m, WithoutIDs: true})
	if err != nil {
		t.Errorf("seed %d: by the guess %s: %v", seed, guess.Mapping, err)
		return false
	}
	defer reader.Close()
	for i := range want {
		var e event.Event
		if err := reader.Next(&e); err != nil {
			t.Errorf("seed %d, row %d by the guess %s: %v", seed, i+1, guess.Mapping, err)
			return false
		}
		if got := shown(&e); got != want[i] {
			first, _, _ := bytes.Cut([]byte(content), []byte{'\n'})
			t.Errorf("seed %d, row %d of %q by the guess %s is\n%s\nwant\n%s", seed, i+1, first, guess.Mapping, got, want[i])
			return false
		}
	}
	return true
}
