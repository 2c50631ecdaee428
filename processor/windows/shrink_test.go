package windows

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows/windowstest"
)

// burst is 300,000 products with an event each, and alerts for a tenth of them.
func burst(p *Partition) (offset int64) {
	send := func(kind string, product int64) {
		e := view(strconv.FormatInt(offset, 10), "product-"+strconv.FormatInt(product, 10), noon+event.Millis(offset/4))
		e.Type = kind
		p.Event(e, e.Timestamp, offset)
		offset++
	}
	for i := range int64(300_000) {
		send(event.TypePurchase, i)
		if i%10 == 0 {
			for range 4 {
				send(event.TypeView, i)
			}
		}
	}
	return offset
}

// A burst of products must not hold memory after its windows have closed.
func TestMemoryIsGivenUpWhenABurstIsOver(t *testing.T) {
	rule := event.DefaultRule()
	rule.ViewsOver, rule.PurchasesUnder = 3, 4
	before := liveMemory()
	p := New(flashSale(rule), 0, false)
	p.maxProducts = 1 << 30
	offset := burst(p)
	held := liveMemory() - before
	if held < 20<<20 {
		t.Fatalf("the burst takes %d KiB", held>>10)
	}
	p.Tick(event.Tick{After: offset - 1, Quiet: 3_600_000}, offset)
	if alerts := p.Changed(nil); p.Products() != 0 || len(alerts) < 30_000 {
		t.Fatalf("%d products and %d alerts", p.Products(), len(alerts))
	}
	if got := liveMemory() - before; got > 256<<10 {
		t.Errorf("%d KiB are held when every window has closed; the burst took %d", got>>10, held>>10)
	}
	runtime.KeepAlive(p)
}

// The shop goes on, with a hundred products.
func TestMemoryIsGivenUpWhileOthersGoOn(t *testing.T) {
	before := liveMemory()
	p := New(rules.Default(), 0, false)
	p.maxProducts = 1 << 30
	offset := burst(p)
	at := noon + event.Millis(offset/4)
	for range 30 * 60 {
		at += 1000
		p.Event(view(strconv.FormatInt(offset, 10), "product-"+strconv.FormatInt(offset%100, 10), at), at, offset)
		offset++
	}
	if p.Products() != 100 {
		t.Fatalf("%d products", p.Products())
	}
	if got := liveMemory() - before; got > 1<<20 {
		t.Errorf("%d KiB are held", got>>10)
	}
	runtime.KeepAlive(p)
}

func TestShrinkingChangesNoAlert(t *testing.T) {
	eachRandomLog(t, func(t *testing.T, rng *rand.Rand, m windowstest.Model) { //nolint:thelper // it is the test
		defer report(t, m)
		c := windowstest.NewEmitted(t, m)
		p := New(m.First(), 0, false)
		for _, r := range m.Log {
			p.take(r)
			if rng.IntN(3) == 0 {
				p.generations[0].compact()
			}
			if rng.IntN(4) == 0 {
				c.Add(p.Changed(nil))
			}
		}
		c.Add(p.Changed(nil))
		c.Finish()
	})
}

func TestNamesAreFoundWhateverWasRemoved(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	products := make([]product, 200)
	n := newNames()
	in := make([]bool, len(products))
	for i := range products {
		products[i].name = strconv.Itoa(i)
	}
	for step := range 20_000 {
		i := rng.IntN(len(products))
		hash := uint32(i%7) - 3 // few, and some at the table's end
		if in[i] {
			n.remove(hash, int32(i))
		} else {
			n.add(hash, int32(i))
		}
		in[i] = !in[i]
		for j := range products {
			place, ok := n.find(products[j].name, uint32(j%7)-3, products)
			if ok != in[j] || ok && int(place) != j {
				t.Fatalf("step %d: product %d is found: %v, at %d; want %v", step, j, ok, place, in[j])
			}
		}
	}
}
