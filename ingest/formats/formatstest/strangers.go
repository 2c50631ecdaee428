// Package formatstest writes files of click events as shops write them that this
// project has never met: their names, separators, encodings and times are made of
// a seed.
package formatstest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"clickstream/internal/event"
)

// File is a stranger's file.
type File struct {
	Content string
	Events  []string // what Shown gives for its rows, in order
	Types   map[string]int64
	Hard    bool // its event types are numbers: nobody can guess what they mean
}

// Ten are the seeds of ten files, the last of them hard.
var Ten = []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 20}

// Stranger writes the file of a seed.
func Stranger(seed uint64) (File, error) {
	r := rand.New(rand.NewPCG(seed, 7))
	s := newStranger(r)
	return s.file(r)
}

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
	preamble  string // lines before the header
	personal  string // the name of a column of e-mail addresses, or empty
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
		separator: pick(r, ",", ";", "\t", "|", "json", "nested"), quote: pick(r, `"`, `"`, `'`),
		encode: func(s string) (string, error) { return s, nil },
	}
	unix := func(unit int64) func(time.Time) []string {
		return func(t time.Time) []string { return []string{strconv.FormatInt(t.UnixMicro()/unit, 10)} }
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
	if !json && r.IntN(5) == 0 {
		s.preamble = pick(r, "Export 2026\r\n\r\n", "Clicks of March\r\n", "# clicks, all of them\r\n#\r\n\r\n")
	}
	if r.IntN(3) == 0 {
		s.personal = pick(r, "email", "E-Mail", "customer_mail")
	}
	return s
}

// file writes rows and what they are as events.
func (s stranger) file(r *rand.Rand) (File, error) {
	f := File{Types: make(map[string]int64), Hard: s.hard}
	var b strings.Builder
	b.WriteString(s.mark + s.preamble)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	fields := []string{"time", "event_type", "product_id", "user_id", "session_id", "price", "quantity", "brand", "extra"}
	if len(s.time(at)) == 2 {
		fields = slices.Insert(fields, 1, "clock")
	}
	if s.personal != "" {
		fields = append(fields, "personal")
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
			header = append(header, s.name(f))
		}
		csv(header)
	}
	for range 300 {
		at = at.Add(time.Duration(r.IntN(20_000_000)) * time.Millisecond)
		kind := pick(r, 0, 0, 0, 1, 2, 3)
		cents := 1 + r.IntN(500_000)
		e := event.Event{
			Type: []string{event.TypeView, event.TypeAddToCart, event.TypePurchase, event.TypeSearch}[kind], Timestamp: event.MillisOf(at.Truncate(s.cut)),
			UserID: strconv.Itoa(10_000 + r.IntN(500)), SessionID: fmt.Sprintf("s-%d", r.IntN(900)), Quantity: 1,
		}
		row := map[string]string{"time": s.time(at)[0], "event_type": s.types[kind], "user_id": e.UserID, "session_id": e.SessionID, "extra": pick(r, "", "über, \"alles\"", "it's; fine|ok\ttab", "two\nlines"), "personal": fmt.Sprintf("someone%d@example.com", r.IntN(500))}
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
			row["quantity"] = strconv.Itoa(int(e.Quantity))
		}
		f.Events = append(f.Events, Shown(&e))
		f.Types[e.Type]++
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
	var err error
	f.Content, err = s.encode(b.String())
	return f, err
}

func (s stranger) name(field string) string {
	if field == "personal" {
		return s.personal
	}
	return s.names[field]
}

func (s stranger) object(fields []string, row map[string]string) string {
	var members []string
	for _, f := range fields {
		value, _ := json.Marshal(row[f])
		name, _ := json.Marshal(s.name(f))
		member := fmt.Sprintf("%s:%s", name, value)
		if inner := map[string]string{"user_id": `"user":{"id"`, "product_id": `"item":{"sku"`, "brand": `"brand":{"name"`}[f]; s.separator == "nested" && inner != "" {
			member = fmt.Sprintf("%s:%s}", inner, value)
		}
		members = append(members, member)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Shown is what of an event a stranger's file says.
func Shown(e *event.Event) string {
	e.ID, e.Properties = "", ""
	return string(e.AppendJSON(nil))
}
