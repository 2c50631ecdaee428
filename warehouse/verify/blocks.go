package verify

import (
	"encoding/json"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/warehouse/rows"
)

// restBlock is records that no row repeats.
type restBlock struct {
	partition        proto.ColInt32
	offset, received proto.ColInt64
	stored, isJSON   proto.ColUInt8
	key, value       rows.Strings
	input            proto.Input
}

func newRestBlock() *restBlock {
	b := &restBlock{}
	b.input = proto.Input{
		{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}, {Name: "received", Data: &b.received},
		{Name: "stored", Data: &b.stored}, {Name: "is_json", Data: &b.isJSON}, {Name: "key", Data: &b.key}, {Name: "value", Data: &b.value},
	}
	return b
}

func (b *restBlock) add(r *kgo.Record, received int64, stored bool) {
	b.partition = append(b.partition, r.Partition)
	b.offset = append(b.offset, r.Offset)
	b.received = append(b.received, received)
	b.stored = append(b.stored, bit(stored))
	b.isJSON = append(b.isJSON, bit(json.Valid(r.Value)))
	b.key.AppendBytes(r.Key)
	b.value.AppendBytes(r.Value)
}

func (b *restBlock) full() bool {
	return len(b.offset) >= blockRows || b.value.Bytes()+b.key.Bytes() >= blockBytes
}

func (b *restBlock) reset() { resetInput(b.input) }

// wrongBlock is rows that the log has no record for.
type wrongBlock struct {
	partition proto.ColInt32
	offset    proto.ColInt64
	hash      proto.ColFixedStr16
	input     proto.Input
}

func newWrongBlock() *wrongBlock {
	b := &wrongBlock{}
	b.input = proto.Input{{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}, {Name: "text_hash", Data: &b.hash}}
	return b
}

func (b *wrongBlock) add(partition int32, offset int64, hash [16]byte) {
	b.partition, b.offset, b.hash = append(b.partition, partition), append(b.offset, offset), append(b.hash, hash)
}

func (b *wrongBlock) reset() { resetInput(b.input) }

// tickBlock is valid ticks.
type tickBlock struct {
	partition     proto.ColInt32
	offset, quiet proto.ColInt64
	input         proto.Input
}

func newTickBlock() *tickBlock {
	b := &tickBlock{}
	b.input = proto.Input{{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}, {Name: "quiet_ms", Data: &b.quiet}}
	return b
}

func (b *tickBlock) add(partition int32, offset, quiet int64) {
	b.partition, b.offset, b.quiet = append(b.partition, partition), append(b.offset, offset), append(b.quiet, quiet)
}

func (b *tickBlock) reset() { resetInput(b.input) }

// changeBlock is changes of rules.
type changeBlock struct {
	partition proto.ColInt32
	offset    proto.ColInt64
	hash      proto.ColStr
	input     proto.Input
}

func newChangeBlock() *changeBlock {
	b := &changeBlock{}
	b.input = proto.Input{{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}, {Name: "hash", Data: &b.hash}}
	return b
}

func (b *changeBlock) add(partition int32, offset int64, hash string) {
	b.partition, b.offset = append(b.partition, partition), append(b.offset, offset)
	b.hash.Append(hash)
}

func (b *changeBlock) reset() { resetInput(b.input) }

// eraBlock is the windows that the rules of a set judge, by partition.
type eraBlock struct {
	partition                  proto.ColInt32
	rule                       proto.ColUInt32
	slide, window, after, upTo proto.ColInt64
	input                      proto.Input
}

func newEraBlock() *eraBlock {
	b := &eraBlock{}
	b.input = proto.Input{
		{Name: "kafka_partition", Data: &b.partition}, {Name: "rule", Data: &b.rule}, {Name: "slide", Data: &b.slide},
		{Name: "window", Data: &b.window}, {Name: "after", Data: &b.after}, {Name: "up_to", Data: &b.upTo},
	}
	return b
}

func (b *eraBlock) add(partition int32, e era, number int, r ruled) {
	b.partition, b.rule = append(b.partition, partition), append(b.rule, uint32(number))
	b.slide, b.window = append(b.slide, r.slide), append(b.window, r.window)
	b.after, b.upTo = append(b.after, int64(e.after)), append(b.upTo, int64(e.upTo))
}

func resetInput(input proto.Input) {
	for _, column := range input {
		column.Data.(interface{ Reset() }).Reset()
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
