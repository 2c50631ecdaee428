package windows

import (
	"runtime"
	"strconv"
	"testing"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// A million products in open windows of twelve partitions, with two views each.
func TestAMillionProductsInOpenWindowsTakeLittleMemory(t *testing.T) {
	before := liveMemory()
	var partitions [12]*Partition
	for i := range partitions {
		partitions[i] = New(rules.Default(), 0, false)
	}
	const million = 1_000_000
	offset := int64(0)
	for i := range int64(2 * million) {
		e := view("v"+strconv.FormatInt(i, 10), "product-"+strconv.FormatInt(i%million, 10), noon+event.Millis(i/4))
		partitions[event.Partition(e.ProductID, 12)].Event(e, e.Timestamp, offset)
		offset++
	}
	products, unremembered := 0, int64(0)
	for _, p := range partitions {
		products += p.Products()
		unremembered += p.counts.Unremembered()
	}
	if products != million || unremembered != 0 {
		t.Fatalf("%d products are remembered, %d events are not", products, unremembered)
	}
	if got := liveMemory() - before; got > 160<<20 {
		t.Errorf("they take %d MiB", got>>20)
	}
	runtime.KeepAlive(&partitions)
}

// liveMemory is what the heap holds that is in use.
func liveMemory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
