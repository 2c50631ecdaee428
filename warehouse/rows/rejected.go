package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/event"
)

// Rejected are the columns of rejected_log.
type Rejected struct {
	reason, kind               Words
	key, field, message, value Strings
	origin, request            Strings
	originPartition, partition proto.ColInt32
	originPosition, offset     proto.ColInt64
	received                   *Times
	input                      proto.Input
}

// NewRejected returns empty columns.
func NewRejected() *Rejected {
	c := &Rejected{received: newTimes()}
	c.input = proto.Input{
		{Name: "reason", Data: &c.reason}, {Name: "field", Data: &c.field}, {Name: "message", Data: &c.message},
		{Name: "key", Data: &c.key}, {Name: "value", Data: &c.value}, {Name: "origin_kind", Data: &c.kind}, {Name: "origin", Data: &c.origin}, {Name: "origin_request", Data: &c.request},
		{Name: "origin_partition", Data: &c.originPartition}, {Name: "origin_position", Data: &c.originPosition},
		{Name: "kafka_partition", Data: &c.partition}, {Name: "kafka_offset", Data: &c.offset}, {Name: "received_at", Data: c.received},
	}
	return c
}

// Append adds the rejected record at partition and offset of its topic.
func (c *Rejected) Append(l *event.Rejected, partition int32, offset int64, received event.Millis) {
	c.reason.Append(string(l.Reason))
	c.field.Append(l.Field)
	c.message.Append(l.Message)
	c.key.AppendBytes(l.Key)
	c.value.AppendBytes(l.Value)
	c.kind.Append(string(l.Kind))
	c.origin.Append(l.Name)
	c.request.Append(l.Request)
	c.originPartition = append(c.originPartition, l.Origin.Partition)
	c.originPosition = append(c.originPosition, l.Position)
	c.partition = append(c.partition, partition)
	c.offset = append(c.offset, offset)
	c.received.Append(received)
}

// Rows is how many rows there are.
func (c *Rejected) Rows() int { return len(c.offset) }

// Input names the columns.
func (c *Rejected) Input() proto.Input { return c.input }

// Reset takes all rows out.
func (c *Rejected) Reset() { reset(c.input) }

func reset(input proto.Input) {
	for _, col := range input {
		col.Data.(interface{ Reset() }).Reset()
	}
}
