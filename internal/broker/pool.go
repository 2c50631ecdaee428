package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// RecycledRecords lets the memory of fetched records be used again, once each
// record of a Kafka batch has been recycled (kgo.Record's Recycle). Nothing of a
// recycled record may be kept, not even a part of its value. A record that is
// not recycled keeps its batch's memory, as without this option.
func RecycledRecords() kgo.Opt { return kgo.WithPools(new(recordPool)) }

// recordPool is kgo.PoolDecompressBytes and kgo.PoolRecords. What nobody takes
// for a while goes to the garbage collector.
type recordPool struct{ bytes, records sync.Pool }

// ratio is how many times larger than its compressed form a batch of events is
// at most, as a rule. One that is larger grows its slice.
const ratio = 8

func (p *recordPool) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	want := ratio * len(compressed)
	if b, is := p.bytes.Get().(*[]byte); is && cap(*b) >= want {
		return *b
	}
	return make([]byte, 0, want)
}

func (p *recordPool) PutDecompressBytes(b []byte) { p.bytes.Put(&b) }

func (p *recordPool) GetRecords(n int) []kgo.Record {
	if r, is := p.records.Get().(*[]kgo.Record); is && cap(*r) >= n {
		return *r
	}
	return make([]kgo.Record, 0, n)
}

func (p *recordPool) PutRecords(r []kgo.Record) { p.records.Put(&r) }
