package windows

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// However many products come, so many are kept.
func TestProductsAreRememberedUpToACap(t *testing.T) {
	p := New(rules.Default(), 0, false)
	const beyond = 1000
	for i := range int64(productsPerPane + beyond) {
		p.Event(view("1", fmt.Sprint("p", i), noon), noon, i)
	}
	if p.Products() != productsPerPane || p.counts.UnrememberedProducts != beyond || p.counts.UnrememberedIDs != 0 {
		t.Fatalf("%d products are kept; %+v", p.Products(), p.counts)
	}
}

func TestBeyondTheProductsThatAreRememberedAnAlertIsNotExact(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	p.maxProducts = 2
	offset := int64(0)
	views := func(product string, at event.Millis) {
		for range 3 {
			p.Event(view(fmt.Sprint(offset), product, at), at, offset)
			offset++
		}
	}
	views("a", noon+1)
	views("b", noon+1)
	for _, a := range p.Changed(nil) {
		if !a.Exact {
			t.Errorf("%v, and every product is remembered", a)
		}
	}
	views("c", noon+1)
	// A product that is remembered counts on, and another has room in the next pane.
	views("a", noon+5000)
	views("d", noon+5000)
	p.Event(view("last", "a", noon+30_000), noon+30_000, offset)
	got := map[string]bool{}
	for _, a := range p.Changed(nil) {
		if a.Status == event.Confirmed {
			got[fmt.Sprintf("%s%d %d", a.ProductID, (event.MillisOf(a.WindowStart)-noon)/1000, a.Views)] = a.Exact
		}
	}
	// Windows -5 and 0 hold the pane from 0 to 5 s, window 5 does not.
	want := map[string]bool{"a-5 3": false, "a0 6": false, "a5 3": true, "b-5 3": false, "b0 3": false, "d0 3": false, "d5 3": true}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if p.counts.UnrememberedProducts != 3 || p.counts.Duplicates != 0 {
		t.Errorf("%+v", p.counts)
	}
}

func TestUnrememberedIdsAreCounted(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	p.maxIDs = 2
	p.CountFrom(3)
	for i := range int64(5) {
		p.Event(view(fmt.Sprint(i), "p", noon), noon, i)
	}
	if p.counts.UnrememberedIDs != 2 || p.counts.Unremembered() != 2 {
		t.Errorf("%+v", p.counts)
	}
}

// What is not remembered is a function of the log: a reading that continues from
// a commit emits what the one that made it emits, and as exact.
func TestW6_AfterAnyCommitTheSameIsRemembered(t *testing.T) {
	byID := func(a, b event.Alert) int { return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID)) }
	unremembered := int64(0)
	for seed := range uint64(*logs / 40) {
		rng := rand.New(rand.NewPCG(seed, 13))
		m := randomModel(rng)
		ids, products := 1+rng.IntN(8), 1+rng.IntN(2)
		for cut := range m.Log {
			p := New(m.First(), 0, false)
			p.maxIDs, p.maxProducts = ids, products
			for _, r := range m.Log[:cut] {
				p.take(r)
			}
			written := topic(p.Changed(nil))
			p.Acknowledge(p.Offset())
			offset, metadata := p.Commit()
			q, err := Resume(m.Lookup, offset, metadata)
			if err != nil {
				t.Fatal(err)
			}
			written.remembered(q)
			q.maxIDs, q.maxProducts = ids, products
			var want, got []event.Alert
			for _, r := range m.Log {
				if r.Offset >= p.offset {
					p.take(r)
					want = p.Changed(want)
				}
				if r.Offset >= q.offset {
					q.take(r)
					got = q.Changed(got)
				}
			}
			slices.SortFunc(want, byID)
			slices.SortFunc(got, byID)
			if !slices.Equal(got, want) {
				report(t, m)
				t.Fatalf("seed %d, committed after %d records: emitted\n%v\nnot\n%v", seed, cut, got, want)
			}
			unremembered += p.counts.UnrememberedProducts
		}
	}
	if unremembered == 0 {
		t.Error("all products were remembered")
	}
}

func TestIdsAreRememberedByHashesOfTheLogsKey(t *testing.T) {
	p := New(flashSale(workedRule), 0, false)
	key := event.HashKey{1, 2}
	p.KeyHashes(key)
	e := view("1", "p", noon)
	p.Event(e, noon, 0)
	if ids := &p.generations[0].panes.at(windowAt(0)).ids; ids.table[ids.place(e.IdentityHash(key))] == 0 {
		t.Error("the hash with the log's key is not remembered")
	}
}
