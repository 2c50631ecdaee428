package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// StoreRules writes a set to the rules topic and returns when it is acknowledged.
func (c *Client) StoreRules(ctx context.Context, set *rules.Set) error {
	return c.writeRules(ctx, set, &kgo.Record{Topic: c.Topics().Rules, Key: []byte(set.Hash()), Value: set.AppendJSON(nil)})
}

// writeRules writes records of the rules topic, which are of the set.
func (c *Client) writeRules(ctx context.Context, set *rules.Set, records ...*kgo.Record) error {
	out, err := c.Open(ProducerOptions()...)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write rule set %s to topic %s: %w", set.Hash(), c.Topics().Rules, err)
	}
	return nil
}

// ApplyRules puts the set in force in each partition of the event log, if it is
// not in force in all of them already, and says whether it did. A set that is in
// force and no longer in the rules topic is stored there again.
//
// It writes nothing and returns an error where the set could be passed over, as
// too many others may have open windows: the index says when each was applied. By
// the same count the last change of a partition may have been passed over, as one
// of a version that did not refuse it; it is then put in force again, which changes
// nothing if it was not.
func (c *Client) ApplyRules(ctx context.Context, set *rules.Set, at time.Time) (changed bool, err error) {
	known, err := c.RuleSets(ctx)
	if err != nil {
		return false, err
	}
	ends, err := c.EndOffsets(ctx, c.Topics().Events)
	if err != nil {
		return false, err
	}
	_, missing := known.Lookup(set.Hash())
	if missing == nil && known.surelyInForceIn(ends, set.Hash()) {
		return false, nil
	}
	if err := known.checkOpen(set.Hash(), ends, at); err != nil {
		return false, err
	}
	return true, c.PutRulesInForce(ctx, set, at)
}

// PutRulesInForce stores the set and writes a control record to each partition
// of the event log, whatever is in force there. It returns when all are
// acknowledged, and their places in the index. After an error some partitions may
// have theirs: to do it again puts the set in force in the others and changes
// nothing in these. RuleSets.Begun names the set until that is done.
func (c *Client) PutRulesInForce(ctx context.Context, set *rules.Set, at time.Time) error {
	known, err := c.RuleSets(ctx)
	if err != nil {
		return err
	}
	topics, change := c.Topics(), event.RulesChange{Hash: set.Hash(), At: event.MillisOf(at)}
	begun := func(hash string, value []byte) *kgo.Record {
		return &kgo.Record{Topic: topics.Rules, Key: fmt.Appendf(nil, "%s %s %s", begunKey, known.log, hash), Value: value}
	}
	err = c.writeRules(ctx, set,
		&kgo.Record{Topic: topics.Rules, Key: []byte(set.Hash()), Value: set.AppendJSON(nil)},
		begun(set.Hash(), []byte(change.At.String())))
	if err != nil {
		return err
	}
	puts, err := c.putChange(ctx, change)
	if err != nil {
		return err
	}
	var index []*kgo.Record
	for _, p := range puts {
		index = append(index, p.record(topics.Rules, known.log))
	}
	// What was begun before is over with this change of all partitions.
	for _, hash := range append(known.begun, set.Hash()) {
		index = append(index, begun(hash, nil))
	}
	return c.writeRules(ctx, set, index...)
}

// putChange writes the control record of a change to each partition of the event
// log, and returns where they are when all are acknowledged.
func (c *Client) putChange(ctx context.Context, change event.RulesChange) (puts []RulesPut, err error) {
	topic := c.Topics().Events
	partitions, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	out, err := c.Open(ProducerOptions()...)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	records := make([]*kgo.Record, partitions)
	for n := range records {
		records[n] = RulesRecord(topic, int32(n), change)
	}
	for _, r := range out.ProduceSync(ctx, records...) {
		if r.Err == nil && r.Record.Offset < 0 { // a retry that the broker has recognised
			r.Err = errors.New("the broker has it and does not say where: put it in force again")
		}
		if r.Err != nil {
			return nil, fmt.Errorf("put rule set %s in force in %s-%d: %w", change.Hash, topic, r.Record.Partition, r.Err)
		}
		puts = append(puts, RulesPut{change, r.Record.Partition, r.Record.Offset})
	}
	return puts, nil
}
