package broker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Headers of a control record that puts a rule set in force.
const (
	headerRules     = "rules"
	headerAppliedAt = "applied_at"
)

// RulesRecord is the control record of a change of rules in a partition of the
// event log.
func RulesRecord(topic string, partition int32, c event.RulesChange) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Headers: []kgo.RecordHeader{
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
			sum, err := hex.DecodeString(c.Hash)
			hash = err == nil && len(sum) == 16
		case headerAppliedAt:
			c.At, at = event.ParseTime(string(h.Value), false)
		}
	}
	return c, hash && at
}

// StoreRules writes a set to the rules topic and returns when it is
// acknowledged. The client is one with ProducerOptions.
func (c *Client) StoreRules(ctx context.Context, set *rules.Set) error {
	topic := c.Topics().Rules
	r := &kgo.Record{Topic: topic, Partition: 0, Key: []byte(set.Hash()), Value: set.AppendJSON(nil)}
	if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write rule set %s to topic %s: %w", set.Hash(), topic, err)
	}
	return nil
}

// PutRulesInForce stores the set and writes a control record to each partition
// of the event log. It returns when all are acknowledged. After an error some
// partitions may have theirs: to do it again puts the set in force in the others
// and changes nothing in these. The client is one with ProducerOptions.
func (c *Client) PutRulesInForce(ctx context.Context, set *rules.Set, at time.Time) error {
	if err := c.StoreRules(ctx, set); err != nil {
		return err
	}
	topic := c.Topics().Events
	partitions, err := c.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	records := make([]*kgo.Record, partitions)
	for n := range records {
		records[n] = RulesRecord(topic, int32(n), event.RulesChange{Hash: set.Hash(), At: event.MillisOf(at)})
	}
	if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("put rule set %s in force in topic %s: %w", set.Hash(), topic, err)
	}
	return nil
}

// RuleSets are the sets of the rules topic, as they were when it was read.
type RuleSets struct {
	topic string
	sets  map[string]*rules.Set
	// broken is why a stored set cannot be used, by the hash that it is stored under.
	broken map[string]error
}

// RuleSets reads the rules topic.
func (c *Client) RuleSets(ctx context.Context) (*RuleSets, error) {
	topic := c.Topics().Rules
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	s := &RuleSets{topic: topic, sets: make(map[string]*rules.Set), broken: make(map[string]error)}
	err = c.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		s.add(string(r.Key), r.Value)
		return nil
	})
	return s, err
}

func (s *RuleSets) add(hash string, stored []byte) {
	delete(s.sets, hash)
	delete(s.broken, hash)
	if stored == nil {
		return // deleted by hand
	}
	set, err := rules.Decode(stored)
	if err == nil && set.Hash() != hash {
		err = errors.New("it is stored under another hash than its own")
	}
	if err != nil {
		s.broken[hash] = err
		return
	}
	s.sets[hash] = set
}

// Lookup is the set with this hash. The default set is known without the topic.
func (s *RuleSets) Lookup(hash string) (*rules.Set, error) {
	if set := s.sets[hash]; set != nil {
		return set, nil
	}
	if set := rules.Default(); set.Hash() == hash {
		return set, nil
	}
	if err := s.broken[hash]; err != nil {
		return nil, fmt.Errorf("rule set %s in topic %s cannot be used: %w", hash, s.topic, err)
	}
	return nil, fmt.Errorf("rule set %s is in force on the log and not in topic %s: store its rules file there again, or begin a new log", hash, s.topic)
}

// RulesPut is a change of rules where it is on the log.
type RulesPut struct {
	event.RulesChange
	Partition int32
	Offset    int64
}

// RulesChanges reads the event log from its beginning and returns the changes of
// rules on it, in the order of their offsets in each partition. A set is stored
// before it is put in force, so where the rules topic never had a record the log
// is not read.
func (c *Client) RulesChanges(ctx context.Context) ([]RulesPut, error) {
	sets, err := c.EndOffsets(ctx, c.Topics().Rules)
	if err != nil {
		return nil, err
	}
	ever := false
	for _, end := range sets {
		ever = ever || end > 0
	}
	if !ever {
		return nil, nil
	}
	topic := c.Topics().Events
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var found []RulesPut
	err = c.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		if change, ok := ParseRules(r); ok {
			found = append(found, RulesPut{change, r.Partition, r.Offset})
		}
		return nil
	})
	return found, err
}
