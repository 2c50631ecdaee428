package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// OffsetRange names offsets of a partition. As text it is TOPIC/PARTITION/FIRST-LAST.
type OffsetRange struct {
	Topic       string
	Partition   int32
	First, Last int64
}

func (r OffsetRange) String() string {
	return fmt.Sprintf("%s/%d/%d-%d", r.Topic, r.Partition, r.First, r.Last)
}

// UnmarshalText reads what String writes.
func (r *OffsetRange) UnmarshalText(text []byte) error {
	topic, rest, _ := strings.Cut(string(text), "/")
	partition, offsets, _ := strings.Cut(rest, "/")
	first, last, _ := strings.Cut(offsets, "-")
	n, err := strconv.ParseInt(partition, 10, 32)
	from, firstErr := strconv.ParseInt(first, 10, 64)
	to, lastErr := strconv.ParseInt(last, 10, 64)
	if err := errors.Join(err, firstErr, lastErr); err != nil || topic == "" || n < 0 || from < 0 || to < from {
		return fmt.Errorf("offsets %q: write them as TOPIC/PARTITION/FIRST-LAST, such as ecom_clickstream_events/3/1234-1240", text)
	}
	*r = OffsetRange{topic, int32(n), from, to}
	return nil
}

// PassOver says where a reader goes on for which reading a partition failed with
// err at position, and what it never gets then. That is only so where the batch
// there cannot be read and the settings name position: other offsets that they
// name are read.
func (c *Client) PassOver(topic string, partition int32, position int64, err error) (Gap, bool) {
	if !Unreadable(err) {
		return Gap{}, false
	}
	if tooLarge, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err); ok {
		position = max(position, tooLarge.Offset)
	}
	r, named := c.named(topic, partition, position)
	return Gap{Topic: topic, Partition: partition, From: position, To: r.Last + 1, Reason: Damaged}, named
}

// PassesOver says whether the settings name the offset, which is passed over if it
// cannot be read.
func (c *Client) PassesOver(topic string, partition int32, offset int64) bool {
	_, named := c.named(topic, partition, offset)
	return named
}

func (c *Client) named(topic string, partition int32, offset int64) (r OffsetRange, named bool) {
	for _, r := range c.cfg.PassOver {
		if r.Topic == topic && r.Partition == partition && r.First <= offset && offset <= r.Last {
			return r, true
		}
	}
	return OffsetRange{}, false
}

// WithTopicID is the gap with the id that its topic has now.
func (c *Client) WithTopicID(ctx context.Context, g Gap) (Gap, error) {
	id, err := c.topicID(ctx, g.Topic)
	g.TopicID = id
	return g, err
}

// SetPosition has a reader of a partition go on at an offset.
func (c *Client) SetPosition(topic string, partition int32, offset int64) {
	c.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {partition: {Epoch: -1, Offset: offset}}})
}
