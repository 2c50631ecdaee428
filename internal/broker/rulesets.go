package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// The rules topic is compacted and has one partition. Its records are of three
// kinds, by their keys:
//
//	HASH                         the definition of a rule set
//	change LOG PARTITION OFFSET  where on the log a change of rules is, and of what
//	begun LOG HASH               a set is being put in force; no value: it is done
//
// LOG is the id of the event log's topic, or its name where the broker has no
// ids: the changes of a log that was deleted are not those of the next one. The
// control records on the log are what decides (W8). The changes here are an index
// of them, for what retention has cut off the log, and so that nobody has to read
// the whole log to know which set is in force.
const (
	changeKey = "change"
	begunKey  = "begun"
)

// indexed is the value of a change in the index.
type indexed struct {
	Rules     string `json:"rules"`
	AppliedAt string `json:"applied_at"`
}

// RulesPut is a change of rules where it is on the log.
type RulesPut struct {
	event.RulesChange
	Partition int32
	Offset    int64
}

func (p RulesPut) record(topic, log string) *kgo.Record {
	value, err := json.Marshal(indexed{Rules: p.Hash, AppliedAt: p.At.String()})
	if err != nil {
		panic(err) // it holds nothing that cannot be encoded
	}
	return &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "%s %s %d %d", changeKey, log, p.Partition, p.Offset), Value: value}
}

// RuleSets are the sets of the rules topic and the changes of rules on the event
// log, as they were when the topic was read. Any number of goroutines may use it.
type RuleSets struct {
	topic string
	log   string // of the changes
	sets  map[string]*rules.Set
	// broken is why a stored set cannot be used, by the hash that it is stored under.
	broken  map[string]error
	changes []RulesPut
	// begun are the sets that have not been put in force to the end, the last one
	// last.
	begun []string
}

// RuleSets reads the rules topic.
func (c *Client) RuleSets(ctx context.Context) (*RuleSets, error) {
	log, err := c.logName(ctx)
	if err != nil {
		return nil, err
	}
	topic := c.Topics().Rules
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	s := &RuleSets{topic: topic, log: log, sets: make(map[string]*rules.Set), broken: make(map[string]error)}
	puts := make(map[[2]int64]RulesPut)
	err = c.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		s.add(string(r.Key), r.Value, puts)
		return nil
	})
	for _, p := range puts {
		s.changes = append(s.changes, p)
	}
	slices.SortFunc(s.changes, func(a, b RulesPut) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return s, err
}

// logName names the event log in the index.
func (c *Client) logName(ctx context.Context) (string, error) {
	topic := c.Topics().Events
	id, err := c.topicID(ctx, topic)
	return cmp.Or(id, topic), err
}

// add takes a record of the rules topic. One that is not ours is left out.
func (s *RuleSets) add(key string, value []byte, puts map[[2]int64]RulesPut) {
	fields := strings.Split(key, " ")
	switch {
	case len(fields) == 1:
		s.addSet(key, value)
	case len(fields) == 4 && fields[0] == changeKey && fields[1] == s.log:
		p, ok := parsePut(fields[2], fields[3], value)
		at := [2]int64{int64(p.Partition), p.Offset}
		if ok {
			puts[at] = p
		}
	case len(fields) == 3 && fields[0] == begunKey && fields[1] == s.log && isHash(fields[2]):
		s.begun = slices.DeleteFunc(s.begun, func(hash string) bool { return hash == fields[2] })
		if value != nil {
			s.begun = append(s.begun, fields[2])
		}
	}
}

func parsePut(partition, offset string, value []byte) (p RulesPut, ok bool) {
	var v indexed
	n, errPartition := strconv.ParseInt(partition, 10, 32)
	at, errOffset := strconv.ParseInt(offset, 10, 64)
	if errors.Join(errPartition, errOffset) != nil || json.Unmarshal(value, &v) != nil || !isHash(v.Rules) {
		return p, false
	}
	p = RulesPut{RulesChange: event.RulesChange{Hash: v.Rules}, Partition: int32(n), Offset: at}
	p.At, ok = event.ParseTime(v.AppliedAt, false)
	return p, ok
}

func (s *RuleSets) addSet(hash string, stored []byte) {
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

// Sets are the stored sets that can be used, in no order.
func (s *RuleSets) Sets() []*rules.Set { return slices.Collect(maps.Values(s.sets)) }

// LookupRule is the set whose only rule has a definition with this hash, by which
// commits of the first version name their rule.
func (s *RuleSets) LookupRule(hash string) (*rules.Set, bool) {
	for _, set := range s.Sets() {
		if len(set.Rules()) == 1 && event.ShortHash(set.Definition(0)) == hash {
			return set, true
		}
	}
	return nil, false
}

// Defining is a stored set, or the default one, that has a rule with this
// definition, and the rule's index in it.
func (s *RuleSets) Defining(definition string) (set *rules.Set, rule int, ok bool) {
	all := append(s.Sets(), rules.Default())
	slices.SortFunc(all, func(a, b *rules.Set) int { return strings.Compare(a.Hash(), b.Hash()) })
	for _, set := range all {
		for i := range set.Rules() {
			if set.Definition(i) == definition {
				return set, i, true
			}
		}
	}
	return nil, 0, false
}

// InForce is the hash of the set that was put in force last before an offset of a
// partition of the log; that of the default set where there was none. The offset
// may be one that retention has cut off.
func (s *RuleSets) InForce(partition int32, before int64) string {
	i, _ := slices.BinarySearchFunc(s.changes, before, func(p RulesPut, before int64) int {
		return cmp.Or(cmp.Compare(p.Partition, partition), cmp.Compare(p.Offset, before))
	})
	if i > 0 && s.changes[i-1].Partition == partition {
		return s.changes[i-1].Hash
	}
	return rules.Default().Hash()
}

// InForceNow is the hash of the set that was put in force last in a partition.
func (s *RuleSets) InForceNow(partition int32) string { return s.InForce(partition, math.MaxInt64) }

// Changes are the changes of rules on the log, also where retention has cut them
// off, in the order of their offsets in each partition.
func (s *RuleSets) Changes() []RulesPut { return slices.Clone(s.changes) }

// Begun is the hash of the set that was to be put in force last, where that was
// not done to the end: it may be in force in some partitions, and the index may
// lack it. It is empty where nothing was left half done.
func (s *RuleSets) Begun() string {
	if len(s.begun) == 0 {
		return ""
	}
	return s.begun[len(s.begun)-1]
}

// InForceIn says whether the set with this hash is in force at the end of each of
// the log's partitions. Where a change was left half done that is not known, and
// it says no.
func (s *RuleSets) InForceIn(partitions int32, hash string) bool {
	for n := range partitions {
		if s.InForceNow(n) != hash {
			return false
		}
	}
	return len(s.begun) == 0
}
