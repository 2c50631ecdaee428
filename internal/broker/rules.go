package broker

import (
	"encoding/hex"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// Headers of a control record that puts a rule set in force.
const (
	headerRules     = "rules"
	headerAppliedAt = "applied_at"
)

// RulesRecord is the control record of a change of rules in a partition of the
// event log.
func RulesRecord(topic string, partition int32, c event.RulesChange) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Timestamp: c.At.Time(), Headers: []kgo.RecordHeader{
		{Key: headerRules, Value: []byte(c.Hash)},
		{Key: headerAppliedAt, Value: c.At.AppendRFC3339(nil)},
	}}
}

// ParseRules reads a change of rules. A record that is none, or that is not
// whole, is skipped as any other without a value.
func ParseRules(r *kgo.Record) (event.RulesChange, bool) {
	var c event.RulesChange
	if len(r.Key) > 0 || r.Value != nil {
		return c, false
	}
	var hash, at bool
	for _, h := range r.Headers {
		switch h.Key {
		case headerTick:
			return event.RulesChange{}, false
		case headerRules:
			c.Hash = string(h.Value)
			hash = isHash(c.Hash)
		case headerAppliedAt:
			c.At, at = event.ParseTime(string(h.Value), false)
		}
	}
	return c, hash && at
}

// isHash says whether text may be the hash of a rule set.
func isHash(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == 16
}
