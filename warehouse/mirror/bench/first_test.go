package bench

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// firstBatch is columns of ch-go, and a decoder for the events of this benchmark:
// flat objects without escapes, of which it checks nothing. encoding/json would
// take longer than all the rest of the loop, and a loop that waits for it would be
// no yardstick: this takes about as long as the first version's decoder did.
type firstBatch struct {
	texts               [len(firstTexts)]proto.ColStr
	words               [len(firstWords)]*proto.ColLowCardinality[string]
	timestamp, received *proto.ColDateTime64
	price               *proto.ColNullable[proto.Decimal64]
	quantity            proto.ColUInt32
	partition           proto.ColInt32
	offset              proto.ColInt64
	key, properties     proto.ColStr
	input               proto.Input
	known               map[string]string // the words so far: their strings are made once
}

var (
	firstTexts = [...]string{"event_id", "user_id", "session_id", "product_id", "page_url", "order_id"}
	firstWords = [...]string{"event_type", "product_category", "brand", "currency", "device_type", "source"}
)

func newFirstBatch() *firstBatch {
	millis := func() *proto.ColDateTime64 {
		return new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
	}
	c := &firstBatch{
		timestamp: millis(), received: millis(), price: proto.NewColNullable[proto.Decimal64](new(proto.ColDecimal64)),
		known: make(map[string]string),
	}
	c.input = proto.Input{
		{Name: "timestamp", Data: c.timestamp}, {Name: "received_at", Data: c.received},
		{Name: "price", Data: proto.Alias(c.price, "Nullable(Decimal(18, 4))")}, {Name: "quantity", Data: &c.quantity},
		{Name: "properties", Data: &c.properties}, {Name: "kafka_key", Data: &c.key},
		{Name: "kafka_partition", Data: &c.partition}, {Name: "kafka_offset", Data: &c.offset},
	}
	for i, name := range firstTexts {
		c.input = append(c.input, proto.InputColumn{Name: name, Data: &c.texts[i]})
	}
	for i, name := range firstWords {
		c.words[i] = new(proto.ColStr).LowCardinality()
		c.input = append(c.input, proto.InputColumn{Name: name, Data: c.words[i]})
	}
	return c
}

func (c *firstBatch) Rows() int { return len(c.offset) }

func (c *firstBatch) Input() proto.Input { return c.input }

func (c *firstBatch) Reset() { c.input.Reset() }

// firstEvent is the fields of an event, as they are written.
type firstEvent struct {
	timestamp, price []byte
	texts            [len(firstTexts)][]byte
	words            [len(firstWords)][]byte
}

// read reads an event.
func (e *firstEvent) read(value []byte) error {
	*e = firstEvent{}
	for rest := value; rest[0] != '}'; {
		name, text, after := nextField(rest[1:]) // after the brace or the comma
		rest = after
		switch string(name) {
		case "timestamp":
			e.timestamp = text
		case "price":
			e.price = text
		case "event_id":
			e.texts[0] = text
		case "user_id":
			e.texts[1] = text
		case "session_id":
			e.texts[2] = text
		case "product_id":
			e.texts[3] = text
		case "event_type":
			e.words[0] = text
		case "product_category":
			e.words[1] = text
		case "device_type":
			e.words[4] = text
		default:
			return fmt.Errorf("field %s of %s: the events of this benchmark have no such field", name, value)
		}
	}
	return nil
}

// nextField is the name and the value of the field that rest begins with, without
// quotes, and what comes after it.
func nextField(rest []byte) (name, value, after []byte) {
	end := bytes.IndexByte(rest[1:], '"') + 1
	name, rest = rest[1:end], rest[end+2:]
	if rest[0] == '"' {
		end = bytes.IndexByte(rest[1:], '"') + 1
		return name, rest[1:end], rest[end+1:]
	}
	for end = 0; rest[end] != ',' && rest[end] != '}'; end++ {
	}
	return name, rest[:end], rest[end:]
}

// add adds the event of a record.
func (c *firstBatch) add(r *kgo.Record) error {
	var e firstEvent
	if err := e.read(r.Value); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, string(e.timestamp))
	if err != nil {
		return err
	}
	c.timestamp.Append(at)
	var priced proto.Nullable[proto.Decimal64]
	if e.price != nil {
		price, err := strconv.ParseFloat(string(e.price), 64)
		if err != nil {
			return err
		}
		priced = proto.NewNullable(proto.Decimal64(math.Round(price * 10_000)))
	}
	c.price.Append(priced)
	c.quantity = append(c.quantity, 1)
	c.properties.Append("")
	c.key.AppendBytes(r.Key)
	c.partition, c.offset = append(c.partition, r.Partition), append(c.offset, r.Offset)
	c.received.Append(r.Timestamp)
	for i, text := range e.texts {
		c.texts[i].AppendBytes(text)
	}
	for i, text := range e.words {
		word, is := c.known[string(text)]
		if !is {
			word = string(text)
			c.known[word] = word
		}
		c.words[i].Append(word)
	}
	return nil
}
