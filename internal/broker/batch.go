package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxBatch is the most that a batch of records may unpack to: a few hundred
// bytes of a crafted one must not become gigabytes.
const maxBatch = 64 << 20

// Unreadable says whether err, of reading a partition, is that a batch of records
// can never be read: it is damaged, or unpacks to too much. Every reader stops
// there, at every start.
func Unreadable(err error) bool {
	_, tooLarge := errors.AsType[*kgo.ErrDecompressTooLarge](err)
	return tooLarge || damaged(err)
}

// damaged says whether err is of what the broker has sent, and not of the
// broker or the way to it. The client has no name for these errors.
func damaged(err error) bool {
	if _, is := errors.AsType[*kerr.Error](err); is {
		return false
	}
	if _, is := errors.AsType[*kgo.ErrDataLoss](err); is {
		return false
	}
	return Classify(err) == Fatal && !IsTLSError(err)
}

// ReadError is err, of reading a partition at position, with its place. Where it
// is of a batch that cannot be read it says the way to pass over it too.
func (c *Client) ReadError(ctx context.Context, topic string, partition int32, position int64, err error) error {
	tooLarge, isTooLarge := errors.AsType[*kgo.ErrDecompressTooLarge](err)
	if !isTooLarge && !damaged(err) {
		return fmt.Errorf("read topic %s-%d: %w", topic, partition, err)
	}
	var first, next int64
	var why string
	found := true
	if isTooLarge {
		first, next = tooLarge.Offset, tooLarge.NextOffset
		why = fmt.Sprintf("unpacks to more than %d MiB, which no reader of ours takes. Pass", maxBatch>>20)
	} else {
		first, next, found = c.damagedFrom(ctx, topic, partition, position)
		why = fmt.Sprintf("is damaged: %v. Have another replica lead the partition; if none has it whole, pass", err)
	}
	batch, last := offsetsText(first, next), strconv.FormatInt(next-1, 10)
	if !found {
		batch, last = fmt.Sprintf("offset %d or one soon after it", position), "LAST (the batch's last offset, as kafka-dump-log lists it)"
	}
	return unreadable{fmt.Sprintf("read topic %s-%d: the batch of %s %s over it with --kafka-pass-over=%[1]s/%[2]d/%[5]d-%[6]s, "+
		"which is recorded as a gap (docs/operations.md, A batch that cannot be read)", topic, partition, batch, why, position, last), err}
}

func offsetsText(from, to int64) string {
	if from+1 == to {
		return fmt.Sprintf("offset %d", from)
	}
	return fmt.Sprintf("the offsets %d to %d", from, to-1)
}

// unreadable is the error of a batch in words that say the way out.
type unreadable struct {
	message string
	err     error
}

func (u unreadable) Error() string { return u.message }
func (u unreadable) Unwrap() error { return u.err }

// lookWithin bounds the look for a damaged batch: it only makes an error clearer.
const lookWithin = 5 * time.Second

// damagedFrom finds the first damaged batch of a partition from position on, as
// far as one request gets: its first offset and the one after its last. They are
// what the batch says of itself.
func (c *Client) damagedFrom(ctx context.Context, topic string, partition int32, position int64) (first, next int64, found bool) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	listed, err := c.admin().ListTopics(ctx, topic)
	if err != nil {
		return 0, 0, false
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes = maxBatch
	of := kmsg.NewFetchRequestTopic()
	of.Topic, of.TopicID = topic, listed[topic].ID
	at := kmsg.NewFetchRequestTopicPartition()
	at.Partition, at.FetchOffset, at.PartitionMaxBytes = partition, position, maxBatch
	of.Partitions = append(of.Partitions, at)
	req.Topics = append(req.Topics, of)
	resp, err := req.RequestWith(ctx, c.Broker(int(listed[topic].Partitions[partition].Leader)))
	if err != nil || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, 0, false
	}
	const header, sizeAt, lastAt = 61, 8, 23 // of a batch: its size, and how much its last offset is above its first
	opts := kgo.ProcessFetchPartitionOpts{Offset: position, Topic: topic, Partition: partition}
	got := &resp.Topics[0].Partitions[0]
	for in := got.RecordBatches; len(in) >= header; {
		size := int(int32(binary.BigEndian.Uint32(in[sizeAt:]))) + sizeAt + 4
		if size < header || size > len(in) {
			break
		}
		one := *got
		one.RecordBatches = in[:size]
		if p, _ := kgo.ProcessFetchPartition(opts, &one, kgo.DefaultDecompressor(), nil); p.Err != nil {
			first = int64(binary.BigEndian.Uint64(in))
			next = first + int64(int32(binary.BigEndian.Uint32(in[lastAt:]))) + 1
			return first, next, next > position
		}
		in = in[size:]
	}
	return 0, 0, false
}
