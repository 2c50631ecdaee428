package windows

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// A rule with so many views, and a product with so many purchases, that a cell
// cannot hold them.
func TestW2_LargeNumbersAreCounted(t *testing.T) {
	for _, rule := range []event.Rule{
		{ViewsOver: 0, PurchasesUnder: 100_000},
		{ViewsOver: math.MaxUint16 - 1, PurchasesUnder: 100_000},
		{ViewsOver: math.MaxUint16, PurchasesUnder: 100_000},
		{ViewsOver: math.MaxUint16 + 1, PurchasesUnder: 100_000},
	} {
		rule.Window, rule.Slide, rule.Lateness = 10*time.Second, 5*time.Second, time.Second
		p := New(flashSale(rule), 0, false)
		offset := int64(0)
		send := func(kind string, n int) {
			for range n {
				e := view(strconv.FormatInt(offset, 10), "p", noon)
				e.Type = kind
				p.Event(e, noon, offset)
				offset++
			}
		}
		send(event.TypePurchase, math.MaxUint16+10)
		send(event.TypeView, rule.ViewsOver)
		if alerts := p.Changed(nil); len(alerts) > 0 {
			t.Fatalf("%s: %v too early", rule, alerts)
		}
		send(event.TypeView, 1)
		alerts := p.Changed(nil)
		if len(alerts) != 2 {
			t.Fatalf("%s: %d alerts, not 2", rule, len(alerts))
		}
		for _, a := range alerts {
			if a.Views != rule.ViewsOver+1 || a.Purchases != math.MaxUint16+10 || !a.Exact {
				t.Errorf("%v: %d views and %d purchases", a, a.Views, a.Purchases)
			}
		}
	}
}

// A product that is never seen by many costs no more the longer it is there.
func TestAColdProductKeepsOpenPanesOnly(t *testing.T) {
	p := New(rules.Default(), 0, false)
	at := noon
	for i := range int64(10_000) {
		e := view(strconv.FormatInt(i, 10), "p", at)
		if i%2 == 0 {
			e.Type = event.TypePurchase
		}
		p.Event(e, at, i)
		at += 60_000
	}
	if p.Products() != 1 || p.generations[0].cells.n > 12 || p.generations[0].cells.places() > 12 || p.generations[0].products[0].hot != nil {
		t.Fatalf("%d products, %d cells in use, %d in all", p.Products(), p.generations[0].cells.n, p.generations[0].cells.places())
	}
}

// Whatever the rules need, a product is hot before it has that.
func TestACheaplyCountedProductCannotQualify(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		of := make([]ruled, 1+rng.IntN(3))
		for i := range of {
			of[i] = ruled{needs: rng.IntN(4) - 1, more: rng.Uint32N(1 << rng.IntN(18))}
		}
		w := newWarmth(3, of)
		counts, warmth := make([]uint32, 3), uint32(0)
		for {
			column := rng.IntN(3)
			n := max(1, rng.Uint32N(maxInCell)>>rng.IntN(17)) // as many as fit at once
			if each := w.events[column]; each > 0 {
				if warmth+each > w.hot {
					break
				}
				n = min(n, (w.hot-warmth)/each)
				warmth += n * each
			}
			if counts[column]+n > maxInCell {
				break
			}
			counts[column] += n
			for _, r := range of {
				have := counts[0] + counts[1] + counts[2]
				if r.needs >= 0 {
					have = counts[r.needs]
				}
				if have > r.more {
					t.Fatalf("needs %d: %d of column %d, and the product is cold with %v", r.more, have, r.needs, counts)
				}
			}
		}
	}
}
