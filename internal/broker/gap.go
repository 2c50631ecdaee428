package broker

import "fmt"

// Gap is what a reader of a partition never gets: offsets that the topic no
// longer held when they were to be read (M6). Offsets inside the topic that
// have no records are no gap.
type Gap struct {
	Topic string `json:"topic"`
	// TopicID is that of the topic which is read on with; empty where the
	// broker has none.
	TopicID   string `json:"topic_id,omitempty"`
	Partition int32  `json:"partition"`
	// From is the first missing offset and To the one after the last. They are
	// equal where it is not known how many are missing.
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	Reason GapReason `json:"reason"`
}

// GapReason is why offsets are missing.
type GapReason string

const (
	// Retention: the topic begins after the offset that was to be read next.
	Retention GapReason = "retention"
	// Recreated: the offset that was to be read next is another topic's, or the
	// topic ends before it. So the topic was deleted and created again, or lost
	// its last records, and what it held from that offset on is not known.
	Recreated GapReason = "recreated"
)

func (g Gap) String() string {
	if g.Reason == Recreated {
		return fmt.Sprintf("topic %s-%d was created again or cut at its end: what it held from offset %d on is missing", g.Topic, g.Partition, g.From)
	}
	return fmt.Sprintf("topic %s-%d no longer holds the offsets %d to %d", g.Topic, g.Partition, g.From, g.To-1)
}
