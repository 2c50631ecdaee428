package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/event"
)

// Alerts are the columns of alert_log.
type Alerts struct {
	id, product, episode      Strings
	rule, status              Words
	start, end, received      *Times
	views, purchases, version proto.ColUInt64
	rate                      proto.ColFloat64
	exact                     proto.ColBool
	partition                 proto.ColInt32
	offset                    proto.ColInt64
	input                     proto.Input
}

// NewAlerts returns empty columns.
func NewAlerts() *Alerts {
	c := &Alerts{start: newTimes(), end: newTimes(), received: newTimes()}
	c.input = proto.Input{
		{Name: "alert_id", Data: &c.id}, {Name: "rule", Data: &c.rule}, {Name: "product_id", Data: &c.product},
		{Name: "window_start", Data: c.start}, {Name: "window_end", Data: c.end}, {Name: "status", Data: &c.status},
		{Name: "views", Data: &c.views}, {Name: "purchases", Data: &c.purchases}, {Name: "conversion_rate", Data: &c.rate},
		{Name: "version", Data: &c.version}, {Name: "episode_id", Data: &c.episode}, {Name: "exact", Data: &c.exact},
		{Name: "kafka_partition", Data: &c.partition}, {Name: "kafka_offset", Data: &c.offset}, {Name: "received_at", Data: c.received},
	}
	return c
}

// Append adds the alert at partition and offset of its topic.
func (c *Alerts) Append(a *event.Alert, partition int32, offset int64, received event.Millis) {
	c.id.Append(a.ID)
	c.rule.Append(a.Rule)
	c.product.Append(a.ProductID)
	c.start.Append(event.MillisOf(a.WindowStart))
	c.end.Append(event.MillisOf(a.WindowEnd))
	c.status.Append(string(a.Status))
	c.views = append(c.views, uint64(a.Views))
	c.purchases = append(c.purchases, uint64(a.Purchases))
	c.rate = append(c.rate, a.ConversionRate)
	c.version = append(c.version, uint64(a.Version))
	c.episode.Append(a.EpisodeID)
	c.exact = append(c.exact, a.Exact)
	c.partition = append(c.partition, partition)
	c.offset = append(c.offset, offset)
	c.received.Append(received)
}

// Rows is how many rows there are.
func (c *Alerts) Rows() int { return len(c.offset) }

// Input names the columns.
func (c *Alerts) Input() proto.Input { return c.input }

// Reset takes all rows out.
func (c *Alerts) Reset() { reset(c.input) }
