package event

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// full is an event with every field.
func full() Event {
	return Event{
		ID: "0001", Type: "checkout", Timestamp: noon + 123, UserID: "u", SessionID: "session-1", ProductID: "p17", ProductCategory: "haushalt.küche",
		Brand: "b", Currency: "EUR", DeviceType: "mobile", PageURL: "https://shop.example/p/17?a=b&c", OrderID: "o9", Source: "s",
		Price: 12_3450, HasPrice: true, Quantity: 20, Properties: `{"a":[1,{"b":"\u00e9"}],"c":null}`,
	}
}

// shortWay reads text by the short way, if that takes it, after an event of the
// same day.
func shortWay(text []byte) (e Event, taken bool) {
	before := full()
	var d Decoder
	if err := d.Decode(before.AppendJSON(nil), &e); err != nil {
		return e, false
	}
	e = Event{Quantity: 1}
	d.in = alias(text)
	return e, d.ordered(&e)
}

// generalWay reads text by the general way.
func generalWay(text []byte) (e Event, err error) {
	e.Quantity = 1
	d := Decoder{in: alias(text)}
	if rej := d.anyOrder(text, &e); rej != nil {
		err = rej
	}
	return e, err
}

// bothWays fails where the short way takes what the general way reads otherwise.
func bothWays(t *testing.T, text []byte) (taken bool) {
	t.Helper()
	short, taken := shortWay(text)
	if !taken {
		return false
	}
	if general, err := generalWay(text); err != nil || short != general {
		t.Fatalf("%q\nis read as   %+v\nand also as %+v, %v", text, short, general, err)
	}
	return true
}

func TestWhatIsOnTheLogIsReadTheShortWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		e := full()
		for _, field := range []*string{
			&e.UserID, &e.SessionID, &e.ProductID, &e.ProductCategory, &e.Brand, &e.Currency, &e.DeviceType, &e.PageURL, &e.OrderID, &e.Source, &e.Properties,
		} {
			if rng.IntN(2) == 0 {
				*field = ""
			}
		}
		e.Timestamp += Millis(rng.Int64N(100*msPerDay) - 50*msPerDay)
		e.Price, e.HasPrice, e.Quantity = rng.Int64N(1<<rng.IntN(40)), rng.IntN(2) == 0, 1+rng.Int32N(1<<rng.IntN(20))
		if !e.HasPrice {
			e.Price = 0
		}
		text := e.AppendJSON(nil)
		if got, taken := shortWay(text); !taken || got != e {
			t.Fatalf("%s\nis read as %+v, %t", text, got, taken)
		}
	}
}

// Texts that are nearly what AppendJSON writes: bytes and fields that are left
// out, repeated, changed or in another place.
func TestTheShortWayReadsNothingOtherwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	whole := full()
	text := whole.AppendJSON(nil)
	fields := strings.SplitAfter(string(text[1:len(text)-1]), ",")
	const some = `"\,:{}[]0019.eE-+TZtz nul` + "\x00\x1f\x7f\xc3\xa9\xff"
	taken := 0
	for range 200_000 {
		changed := slices.Clone(text)
		if rng.IntN(3) == 0 {
			order := slices.Clone(fields)
			i, j := rng.IntN(len(order)), rng.IntN(len(order))
			switch rng.IntN(3) {
			case 0:
				order[i], order[j] = order[j], order[i]
			case 1:
				order = slices.Delete(order, i, i+1)
			default:
				order = slices.Insert(order, i, order[j])
			}
			changed = []byte("{" + strings.Join(order, "") + "}")
		}
		for range rng.IntN(3) {
			i := rng.IntN(len(changed))
			switch c := some[rng.IntN(len(some))]; rng.IntN(3) {
			case 0:
				changed[i] = c
			case 1:
				changed = slices.Insert(changed, i, c)
			default:
				changed = slices.Delete(changed, i, i+1)
			}
		}
		if bothWays(t, changed) {
			taken++
		}
	}
	if taken < 10_000 {
		t.Errorf("%d texts were read the short way", taken)
	}
	for cut := range text {
		bothWays(t, text[:cut])
	}
}

func TestADecoderOfManyDaysReadsEachTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	var d Decoder
	for range 10_000 {
		want := Event{ID: "1", Type: "page", UserID: "u", Quantity: 1, Timestamp: earliest + Millis(rng.Int64N(40*365*msPerDay))}
		if rng.IntN(2) == 0 {
			want.Timestamp = noon + Millis(rng.Int64N(msPerDay))
		}
		var got Event
		if err := d.Decode(want.AppendJSON(nil), &got); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	}
}
