package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/event"
)

// Events are the columns of event_log.
type Events struct {
	id, user, session, product, url, order, properties, key Strings
	eventType, category, brand, currency, device, source    Words
	timestamp, received                                     *Times
	price                                                   Prices
	quantity                                                proto.ColUInt32
	partition                                               proto.ColInt32
	rank                                                    proto.ColUInt64 // the offset with its bits inverted
	input                                                   proto.Input
}

// NewEvents returns empty columns.
func NewEvents() *Events {
	c := &Events{timestamp: newTimes(), received: newTimes()}
	c.input = proto.Input{
		{Name: "event_id", Data: &c.id}, {Name: "event_type", Data: &c.eventType}, {Name: "timestamp", Data: c.timestamp},
		{Name: "user_id", Data: &c.user}, {Name: "session_id", Data: &c.session}, {Name: "product_id", Data: &c.product},
		{Name: "product_category", Data: &c.category}, {Name: "brand", Data: &c.brand}, {Name: "currency", Data: &c.currency},
		{Name: "device_type", Data: &c.device}, {Name: "page_url", Data: &c.url}, {Name: "order_id", Data: &c.order},
		{Name: "source", Data: &c.source}, {Name: "price", Data: &c.price}, {Name: "quantity", Data: &c.quantity},
		{Name: "properties", Data: &c.properties}, {Name: "kafka_key", Data: &c.key}, {Name: "kafka_partition", Data: &c.partition},
		{Name: "offset_rank", Data: &c.rank}, {Name: "received_at", Data: c.received},
	}
	return c
}

// Append adds the event at partition and offset.
func (c *Events) Append(e *event.Event, partition int32, offset int64, received event.Millis) {
	c.id.Append(e.ID)
	c.eventType.Append(e.Type)
	c.timestamp.Append(e.Timestamp)
	c.user.Append(e.UserID)
	c.session.Append(e.SessionID)
	c.product.Append(e.ProductID)
	c.category.Append(e.ProductCategory)
	c.brand.Append(e.Brand)
	c.currency.Append(e.Currency)
	c.device.Append(e.DeviceType)
	c.url.Append(e.PageURL)
	c.order.Append(e.OrderID)
	c.source.Append(e.Source)
	c.price.Append(e.Price, e.HasPrice)
	c.quantity = append(c.quantity, uint32(e.Quantity))
	c.properties.Append(e.Properties)
	c.key.Append(e.Key())
	c.partition = append(c.partition, partition)
	c.rank = append(c.rank, ^uint64(offset))
	c.received.Append(received)
}

// Rows is how many rows there are.
func (c *Events) Rows() int { return len(c.rank) }

// Input names the columns.
func (c *Events) Input() proto.Input { return c.input }

// Reset takes all rows out.
func (c *Events) Reset() { reset(c.input) }
