package health

import (
	"context"
	"strings"

	"clickstream/internal/broker"
)

// Log is which log the broker holds.
type Log struct {
	Topic      string `json:"topic"`
	ClusterID  string `json:"cluster_id"`
	TopicID    string `json:"topic_id,omitempty"`
	Partitions int32  `json:"partitions"`
	Error      string `json:"error,omitempty"` // why the tables do not belong to it
}

// TableSet are tables that a mirror stores the log in.
type TableSet struct {
	ID      string `json:"id"`
	Members int    `json:"members"` // of its mirrors' group
}

// askIdentity looks up which log this is, whether the tables belong to it, and
// which other tables it is stored in.
func (c *check) askIdentity(ctx context.Context, cl *broker.Client) error {
	id, err := cl.Identity(ctx)
	if err != nil {
		return err
	}
	log := &Log{Topic: id.Topic, ClusterID: id.ClusterID, TopicID: id.TopicID, Partitions: id.Partitions}
	c.report.Log = log
	<-c.opened
	if c.tables == nil {
		return nil
	}
	tables, err := c.tables.TableSet(ctx)
	if err != nil {
		return nil //nolint:nilerr // askTables reports what is wrong with the tables
	}
	c.report.TableSet = string(tables)
	if err := c.tables.SameLog(ctx, id); err != nil {
		log.Error = err.Error()
	}
	prefix := strings.TrimSuffix(tables.Group(cl), string(tables))
	groups, err := cl.Groups(ctx, prefix)
	if err != nil {
		return err
	}
	c.report.OtherTableSets = []TableSet{}
	members, err := cl.Members(ctx, groups...)
	if err != nil {
		return err
	}
	for _, group := range groups {
		if id := strings.TrimPrefix(group, prefix); id != string(tables) {
			c.report.OtherTableSets = append(c.report.OtherTableSets, TableSet{id, members[group]})
		}
	}
	return nil
}
