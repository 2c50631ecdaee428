package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// EnsureTopics creates the missing topics, waits until each partition has a
// leader, and checks the existing ones. It never changes an existing topic:
// what is wrong with one is in the error, with the way out. Several instances
// may call it at the same time.
func (c *Client) EnsureTopics(ctx context.Context) (LogIdentity, error) {
	adm, cfg := c.admin(), c.cfg
	t := cfg.Topics()
	all := []string{t.Events, t.Alerts, t.Inbound, t.Rejected, t.Rules, t.Notifications}

	found, err := c.listTopics(ctx, all)
	if err != nil {
		return LogIdentity{}, fmt.Errorf("look up topics at %s%s: %w", strings.Join(cfg.Brokers, ","), cfg.hint(err), err)
	}
	// Alerts and their notices have as many partitions as the log, also where that
	// was created by hand with another number.
	partitions := cfg.partitions()
	if events, ok := found[t.Events]; ok && events.Err == nil {
		partitions = int32(len(events.Partitions))
	}
	replicas := cfg.ReplicationFactor
	if replicas == 0 {
		replicas = -1
	}
	wait := leadersOfOldWithin
	for _, topic := range all {
		if d, ok := found[topic]; ok && !errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			continue
		}
		n := partitions
		if topic == t.Rules {
			n = 1
		}
		wait = leadersWithin
		// A topic that another instance created in between is checked like any other.
		_, err := adm.CreateTopic(ctx, n, replicas, cfg.settings(topic), topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return LogIdentity{}, fmt.Errorf("create topic %s with %d partitions: %w", topic, n, err)
		}
		if err != nil && topic == t.Events {
			// The broker that was asked first had not heard of the log yet.
			events, err := c.waitForLeaders(ctx, []string{topic}, leadersWithin)
			if err != nil {
				return LogIdentity{}, err
			}
			partitions = int32(len(events[topic].Partitions))
		}
	}
	details, err := c.waitForLeaders(ctx, all, wait)
	if err != nil {
		return LogIdentity{}, err
	}
	if err := c.checkTopics(ctx, details); err != nil {
		return LogIdentity{}, err
	}
	return c.identity(ctx, details)
}

// listTopics looks topics up. Where connections are closed before their first
// answer the client tries again for 20 seconds, in case it passes; at the start
// wrong settings are the likely reason, so here one try is enough.
func (c *Client) listTopics(ctx context.Context, topics []string) (kadm.TopicDetails, error) {
	if err := c.Ping(ctx); isFirstReadEOF(err) {
		return nil, err
	}
	return c.admin().ListTopics(ctx, topics...)
}

// settings of a topic we create. What is not named is left to the broker.
func (c Config) settings(topic string) map[string]*string {
	set := map[string]*string{cleanupPolicy: new("delete")}
	keep := func(d time.Duration) {
		set["retention.ms"] = new(strconv.FormatInt(d.Milliseconds(), 10))
	}
	t := c.Topics()
	switch topic {
	case t.Events, t.Alerts:
		if topic == t.Events {
			set[timestampType] = new(logAppendTime)
		}
		d := c.EventsRetention
		if topic == t.Alerts {
			d = c.AlertsRetention
		}
		if d == 0 {
			d = -time.Millisecond // for ever
		}
		keep(d)
		// A cluster may limit topics by size; ours end by time or not at all.
		set["retention.bytes"] = new("-1")
	case t.Inbound:
		if c.DataRetention != 0 {
			keep(c.DataRetention)
		}
	case t.Rejected:
		if c.RejectedRetention != 0 {
			keep(c.RejectedRetention)
		}
	case t.Rules, t.Notifications:
		// A set is kept for ever: a log may need any of them when it is read again.
		// So is what became of a notice: alerts may be emitted again.
		set[cleanupPolicy] = new(compacted)
	}
	return set
}

// leadersWithin is how long partitions of new topics may be without a leader, and
// leadersOfOldWithin those of topics that were there before. Then the partitions
// that have one are used without the others.
const (
	leadersWithin      = 20 * time.Second
	leadersOfOldWithin = 5 * time.Second
)

// waitForLeaders asks until every partition can be written to: a broker
// answers "created" before that. It returns the error of an unreachable broker,
// for which the client has waited already.
func (c *Client) waitForLeaders(ctx context.Context, topics []string, wait time.Duration) (kadm.TopicDetails, error) {
	ctx, cancel := context.WithTimeout(ctx, leadersWithin+leadersOfOldWithin)
	defer cancel()
	enough := time.Now().Add(wait)
	for {
		details, err := c.admin().ListTopics(ctx, topics...)
		if err != nil {
			return nil, fmt.Errorf("look up topics: %w", err)
		}
		var missing, leaderless string
		for _, topic := range topics {
			d, ok := details[topic]
			switch {
			case ok && d.Err != nil && !errors.Is(d.Err, kerr.UnknownTopicOrPartition) && Classify(d.Err) != Retriable:
				return nil, fmt.Errorf("look up topic %s: %w", topic, d.Err)
			case !ok || d.Err != nil || len(d.Partitions) == 0:
				missing = topic
			case !led(d):
				leaderless = topic
			}
		}
		if missing == "" && leaderless != "" && time.Now().After(enough) {
			c.cfg.Log.Warn().Str("topic", leaderless).Msg("the topic has a partition without a leader: the other partitions are used meanwhile")
			return details, nil
		}
		if missing == "" && leaderless == "" {
			return details, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for topics: topic %s has no leaders yet: %w", cmp.Or(missing, leaderless), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func led(d kadm.TopicDetail) bool {
	for _, p := range d.Partitions {
		if p.Err != nil || p.Leader < 0 {
			return false
		}
	}
	return len(d.Partitions) > 0
}
