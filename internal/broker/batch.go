package broker

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// maxBatch is the most that a batch of records may unpack to: a few hundred
// bytes of a crafted one must not become gigabytes.
const maxBatch = 64 << 20

// ReadError is err, of reading a partition, with its place. A batch of records
// that can never be read, because it is damaged or unpacks to too much, has the
// way to pass over it too: every reader would stop there again.
func (c *Client) ReadError(topic string, partition int32, err error) error {
	if tooLarge, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err); ok {
		return unreadable{fmt.Sprintf("read topic %s-%d: the batch at offset %d unpacks to more than %d MiB, which no reader of ours takes. To pass over it, "+
			"have the broker delete the partition's records before offset %d (%s)",
			topic, partition, tooLarge.Offset, maxBatch>>20, tooLarge.NextOffset, passing), err}
	}
	if !damaged(err) {
		return fmt.Errorf("read topic %s-%d: %w", topic, partition, err)
	}
	at := "a batch"
	if next, ok := c.UncommittedOffsets()[topic][partition]; ok {
		at = fmt.Sprintf("the batch that has offset %d", next.Offset)
	}
	return unreadable{fmt.Sprintf("read topic %s-%d: %s is damaged: %v. Have another replica lead the partition; if none has it whole, pass over it: "+
		"have the broker delete the partition's records before the next batch (%s)", topic, partition, at, err, passing), err}
}

// passing says with what records are deleted, and what comes of it.
const passing = "kafka-delete-records or rpk topic trim-prefix; docs/operations.md, A batch that cannot be read"

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

// unreadable is the error of a batch in words that say the way out.
type unreadable struct {
	message string
	err     error
}

func (u unreadable) Error() string { return u.message }
func (u unreadable) Unwrap() error { return u.err }
