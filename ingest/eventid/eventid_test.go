package eventid

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"clickstream/internal/event"
)

var sample = event.Event{
	ID: "not part of it", Type: "purchase", Timestamp: 1569888000123, UserID: "u1", SessionID: "s1",
	ProductID: "p1", ProductCategory: "a.b", Brand: "acme", Currency: "EUR", DeviceType: "mobile",
	PageURL: "/p/p1", OrderID: "o1", Source: "not part of it", Price: 357_900, HasPrice: true, Quantity: 2,
	Properties: `{"a":1}`,
}

func appendID(t *testing.T, r *Rows, c *Content) string {
	t.Helper()
	id, err := r.AppendID(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return string(id)
}

// These ids never change: with others an old file would be new. They were
// computed by another program from the recipes in the package comment.
func TestI4_RecipesAreWhatTheyWere(t *testing.T) {
	var rows Rows
	var c Content
	csv := func() string {
		c.Row()
		c.Field("event_time", "2019-10-01 00:00:00 UTC")
		c.Field("brand", "")
		c.Field("price", "35.79")
		return appendID(t, &rows, &c)
	}
	ofEvent := func() string {
		c.Row()
		c.Event(&sample)
		return appendID(t, &rows, &c)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"a row", csv(), "row1-6b99ef76081797dfe5400056d3d505d2"},
		{"an equal row", csv(), "row1-38e79efbf78a148c53601951779c0a2c"},
		{"a third equal row", csv(), "row1-4b69971ad196aa6972a97fabd2e03ece"},
		{"a row of JSON", ofEvent(), "row1-cbe0f6f6f75c55a29058c520b412d4c6"},
		{"a request's event", OfRequest("shop", 7, &sample), "req1-2eaa3c366f10db3d4b11b34d13c11d05"},
		{"GA4's event", OfGA4("123.456", "789", "2", -1), "ga41-52790218cb4fc6fa1952d24a6aea0674"},
		{"GA4's item", OfGA4("123.456", "789", "2", 0), "ga41-434ad10498b608c6517478dfe3de7a8f"},
		{"a record", OfRecord("ecom_clickstream_data", 3, 1234), "rec1-ecom_clickstream_data-3-1234"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: id %s, it was %s", tt.what, tt.got, tt.want)
		}
	}
}

func TestI4_IDAndSourceAreNoPartOfAnID(t *testing.T) {
	other := sample
	other.ID, other.Source = "x", "y"
	if a, b := OfRequest("k", 0, &sample), OfRequest("k", 0, &other); a != b {
		t.Errorf("%s and %s differ", a, b)
	}
	if a, b := OfRequest("k", 0, &sample), OfRequest("k", 1, &sample); a == b {
		t.Error("the index is no part of the id")
	}
}

func TestFieldsDoNotRunIntoEachOther(t *testing.T) {
	var a, b Content
	a.Row()
	a.Field("x", "12")
	a.Field("y", "3")
	b.Row()
	b.Field("x", "1")
	b.Field("y", "23")
	var rows Rows
	if first, second := appendID(t, &rows, &a), appendID(t, &rows, &b); first == second {
		t.Error("different rows have one id")
	}
}

func TestDigestsIsASet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var set digests
	model := make(map[uint64]bool)
	for range 50_000 {
		d := rnd.Uint64N(30_000) * rnd.Uint64N(2)
		if rnd.IntN(2) == 0 { // also far apart
			d = binary.BigEndian.Uint64([]byte{byte(d), byte(d >> 8), 0, 0, 0, 0, 0, 1})
		}
		if !set.hasRoom() {
			set.grow(max(1024, 2*len(set.slots)))
		}
		if got := set.add(d); got == model[d] {
			t.Fatalf("add(%d) says new: %t", d, got)
		}
		model[d] = true
	}
}

func BenchmarkRowID(b *testing.B) {
	var rows Rows
	var c Content
	defer rows.Close()
	var id []byte
	for b.Loop() {
		sample.Timestamp++
		c.Row()
		c.Event(&sample)
		var err error
		if id, err = rows.AppendID(id[:0], &c); err != nil {
			b.Fatal(err)
		}
	}
}
