package broker

import (
	"math/bits"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// RecycledRecords lets the memory of fetched records be used again, once each
// record of a Kafka batch has been recycled (kgo.Record's Recycle). Nothing of a
// recycled record may be kept, not even a part of its value. A record that is
// not recycled keeps its batch's memory, as without this option.
func RecycledRecords() kgo.Opt { return kgo.WithPools(new(recordPool)) }

// recordPool is kgo.PoolDecompressBytes and kgo.PoolRecords.
type recordPool struct {
	bytes   slicePool[byte]
	records slicePool[kgo.Record]
}

// ratio is how many times larger than its compressed form a batch of events is,
// as a rule. One that is larger grows its slice.
const ratio = 5

func (p *recordPool) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	return p.bytes.get(ratio * len(compressed))
}

func (p *recordPool) PutDecompressBytes(b []byte) { p.bytes.put(b) }

func (p *recordPool) GetRecords(n int) []kgo.Record { return p.records.get(n) }

func (p *recordPool) PutRecords(r []kgo.Record) { p.records.put(r) }

// slicePool holds slices by the logarithm of their capacity: batches differ in
// size, and a slice that is too small for one is right for another. What nobody
// takes for a while goes to the garbage collector.
type slicePool[T any] [bits.UintSize + 1]sync.Pool

// get returns an empty slice with a capacity of n at least.
func (p *slicePool[T]) get(n int) []T {
	class := bits.Len(uint(max(n, 1) - 1))
	if s, is := p[class].Get().(*[]T); is {
		return *s
	}
	return make([]T, 0, 1<<class)
}

func (p *slicePool[T]) put(s []T) {
	if cap(s) > 0 {
		s = s[:0]
		p[bits.Len(uint(cap(s)))-1].Put(&s)
	}
}
