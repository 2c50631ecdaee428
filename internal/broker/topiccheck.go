package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Settings of topics that matter to us, and their values.
const (
	cleanupPolicy     = "cleanup.policy"
	timestampType     = "message.timestamp.type"
	logAppendTime     = "LogAppendTime"
	compacted         = "compact"
	maxTimestampAhead = "message.timestamp.after.max.ms"
	minInsync         = "min.insync.replicas"
)

// maxAhead bounds message.timestamp.after.max.ms where the broker does not
// stamp records itself: a record that claims to be from later would silence its
// partition's alerts until then.
const maxAhead = 5 * time.Minute

// checkTopics reports everything about the existing topics that would break the
// log or the alerts, and logs what makes them weaker.
func (c *Client) checkTopics(ctx context.Context, details kadm.TopicDetails) error {
	t := c.Topics()
	var errs []error
	if e, a := len(details[t.Events].Partitions), len(details[t.Alerts].Partitions); e != a {
		errs = append(errs, fmt.Errorf("topic %s has %d partitions and %s has %d: an alert is in the partition of its events. "+
			"If partitions have been added to %[1]s, begin a new log (docs/operations.md, More partitions); if that is not why, "+
			"delete %[3]s (alerts are computed again from the log) and start again", t.Events, e, t.Alerts, a))
	}
	if e, n := len(details[t.Events].Partitions), len(details[t.Notifications].Partitions); e != n {
		errs = append(errs, fmt.Errorf("topic %s has %d partitions and %s has %d: a notice is in the partition of its alerts. "+
			"Create %[3]s again with %[2]d partitions and cleanup.policy=compact; alerts of the last hour may then notify again", t.Events, e, t.Notifications, n))
	}
	configs, err := c.admin().DescribeTopicConfigs(ctx, t.Events, t.Alerts, t.Rules, t.Notifications)
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("read settings of topics %s, %s, %s and %s: %w", t.Events, t.Alerts, t.Rules, t.Notifications, err))...)
	}
	for _, rc := range configs {
		if rc.Err != nil {
			// Reading settings is a right of its own, which we can do without.
			if errors.Is(rc.Err, kerr.TopicAuthorizationFailed) || errors.Is(rc.Err, kerr.ClusterAuthorizationFailed) {
				c.cfg.Log.Warn().Str("topic", rc.Name).Msg("not allowed to read the topic's settings: make sure that the topics of rules and notifications are compacted and no others, " +
					"and that the event log has message.timestamp.type=LogAppendTime")
				continue
			}
			errs = append(errs, fmt.Errorf("read settings of topic %s: %w", rc.Name, rc.Err))
			continue
		}
		set := make(map[string]string, len(rc.Configs))
		for _, s := range rc.Configs {
			set[s.Key] = s.MaybeValue()
		}
		if rc.Name == t.Rules || rc.Name == t.Notifications {
			needed := "rule sets that the log still needs"
			if rc.Name == t.Notifications {
				needed = "the record of what has been notified"
			}
			errs = append(errs, checkCompacted(rc.Name, needed, set), c.checkReplicas(rc.Name, set, details[rc.Name]))
			continue
		}
		if policy := set[cleanupPolicy]; strings.Contains(policy, compacted) {
			errs = append(errs, fmt.Errorf("topic %s has cleanup.policy=%s, which removes events: set it to delete, "+
				"or create the topic again if it has been compacted already", rc.Name, policy))
		}
		if rc.Name == t.Events {
			errs = append(errs, c.checkTimestamps(rc.Name, set))
		}
		errs = append(errs, c.checkReplicas(rc.Name, set, details[rc.Name]))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("check topics: %w", err)
	}
	return nil
}

// checkCompacted makes sure that nothing in a topic is deleted by its age.
func checkCompacted(topic, needed string, set map[string]string) error {
	if policy, named := set[cleanupPolicy]; named && policy != compacted {
		return fmt.Errorf("topic %s has cleanup.policy=%s, which deletes %s: "+
			"set it to compact (rpk topic alter-config %[1]s --set cleanup.policy=compact, or kafka-configs --alter)", topic, policy, needed)
	}
	return nil
}

// checkTimestamps makes sure that no clock but the broker's decides when a
// record was received, or that a wrong one is bounded. A broker that does not
// name the setting is not checked.
func (c *Client) checkTimestamps(topic string, set map[string]string) error {
	kind, named := set[timestampType]
	if !named || kind == logAppendTime {
		return nil
	}
	if ms, err := strconv.ParseInt(set[maxTimestampAhead], 10, 64); err == nil && ms <= maxAhead.Milliseconds() {
		c.cfg.Log.Warn().Str("topic", topic).Str(timestampType, kind).Int64(maxTimestampAhead, ms).
			Msg("the writers' clocks say when an event was received: one that is ahead delays alerts by as much; the broker's clock would be better (LogAppendTime)")
		return nil
	}
	return fmt.Errorf("topic %s has message.timestamp.type=%s: one record from a clock that is ahead would keep its partition from raising alerts until then. "+
		"Set it to LogAppendTime (rpk topic alter-config %s --set message.timestamp.type=LogAppendTime, or kafka-configs --alter), "+
		"or, where the broker cannot, set message.timestamp.after.max.ms to %d or less. The data of an embedded broker from before this check needs another --data-dir",
		topic, kind, topic, maxAhead.Milliseconds())
}

// checkReplicas warns where an acknowledgement is worth little: "all in-sync
// replicas" may be one.
func (c *Client) checkReplicas(topic string, set map[string]string, details kadm.TopicDetail) error {
	need, err := strconv.Atoi(set[minInsync])
	if err != nil {
		return nil //nolint:nilerr // the broker does not report the setting
	}
	replicas := details.Partitions.NumReplicas()
	switch {
	case need > replicas:
		return fmt.Errorf("topic %s has %d replicas and min.insync.replicas=%d, so no record can be acknowledged: "+
			"lower min.insync.replicas, or give the topic more replicas", topic, replicas, need)
	case replicas > 1 && need < 2:
		c.cfg.Log.Warn().Str("topic", topic).Int("replicas", replicas).Int(minInsync, need).
			Msg("a record counts as acknowledged when one replica has it, and is lost with that one: set min.insync.replicas to 2")
	}
	return nil
}

// SameLog returns why now is not the log that was recorded, or nil. Offsets and
// partitions of one log are meaningless on another. Topic ids are compared where
// both have one.
func (recorded LogIdentity) SameLog(now LogIdentity) error {
	switch {
	case recorded.Topic != now.Topic:
		return fmt.Errorf("its topic was %s, this one is %s", recorded.Topic, now.Topic)
	case recorded.ClusterID != now.ClusterID:
		return fmt.Errorf("its cluster id was %q, this one is %q", recorded.ClusterID, now.ClusterID)
	case recorded.TopicID != now.TopicID && recorded.TopicID != "" && now.TopicID != "":
		return fmt.Errorf("topic %s was deleted and created again: its id was %s and is %s now", now.Topic, recorded.TopicID, now.TopicID)
	}
	return SamePartitions(now.Topic, recorded.Partitions, now.Partitions)
}

// ErrPartitions says that the number of the log's partitions has changed. New
// tables do not help then: events from before the change would look invalid.
var ErrPartitions = errors.New("the number of partitions has changed")

// SamePartitions says what a changed number of partitions means, and the way
// out; its error is ErrPartitions.
func SamePartitions(topic string, recorded, now int32) error {
	if recorded == now {
		return nil
	}
	return fmt.Errorf("%w: topic %s had %d partitions and has %d now, so the events of one product would be in two of them: "+
		"a topic cannot get fewer again, so begin a new log with another --kafka-topic-prefix and --clickhouse-database, and bring the events into it (docs/operations.md, More partitions)",
		ErrPartitions, topic, recorded, now)
}
