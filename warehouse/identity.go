package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/broker"
)

//go:embed sql/log_identity.sql
var identitySQL string

//go:embed sql/topic_ids.sql
var topicIDsSQL string

//go:embed sql/log_identity_insert.sql
var identityInsertSQL string

// CheckLog says whether the tables belong to this log. The first log is
// recorded. Another cluster, topic or number of partitions is refused: offsets
// would start again or products be split between partitions. That the alerts or
// the rejected topic was deleted and created again is recorded as a gap (M6).
func (w *Warehouse) CheckLog(ctx context.Context, id broker.LogIdentity) error {
	logs, err := w.recordedLogs(ctx)
	if err == nil && len(logs) == 0 {
		if err = w.recordLog(ctx, id); err == nil {
			logs, err = w.recordedLogs(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("check which log database %s belongs to (has it been migrated?): %w", w.cfg.Database, err)
	}
	if len(logs) == 0 {
		return fmt.Errorf("check which log database %s belongs to: the row that was just written cannot be read", w.cfg.Database)
	}
	if err := w.sameLog(logs, id); err != nil {
		return err
	}
	return w.checkTopics(ctx, id)
}

// checkTopics records as gaps that topics beside the log are other ones than
// those that are stored in these tables, and then which they are now.
func (w *Warehouse) checkTopics(ctx context.Context, id broker.LogIdentity) error {
	var alerts, rejected string
	if err := w.conn.QueryRow(ctx, topicIDsSQL).Scan(&alerts, &rejected); err != nil {
		return fmt.Errorf("check which topics are stored in database %s: %w", w.cfg.Database, err)
	}
	var gaps []broker.Gap
	var isNew bool
	for _, t := range []struct{ topic, recorded, now string }{{id.Alerts, alerts, id.AlertsID}, {id.Rejected, rejected, id.RejectedID}} {
		if t.now == "" || t.now == t.recorded {
			continue
		}
		isNew = true
		if t.recorded != "" {
			gaps = append(gaps, broker.Gap{Topic: t.topic, TopicID: t.now, Partition: -1, Reason: broker.Recreated})
		}
	}
	if !isNew {
		return nil
	}
	recorded, err := w.RecordGaps(ctx, "mirror", gaps)
	if err != nil {
		return err
	}
	for _, g := range recorded {
		w.log.Warn().Msg(g.String() + ": this is recorded as a gap, which clickstream status shows until a person accepts it")
	}
	if err := w.recordLog(ctx, id); err != nil {
		return fmt.Errorf("record which topics are stored in database %s: %w", w.cfg.Database, err)
	}
	return nil
}

func (w *Warehouse) recordLog(ctx context.Context, id broker.LogIdentity) error {
	return w.conn.Exec(ctx, identityInsertSQL,
		clickhouse.Named("topic", id.Topic), clickhouse.Named("cluster_id", id.ClusterID),
		clickhouse.Named("topic_id", id.TopicID), clickhouse.Named("partitions", id.Partitions),
		clickhouse.Named("alerts_id", id.AlertsID), clickhouse.Named("rejected_id", id.RejectedID))
}

// SameLog says as CheckLog does whether the tables belong to this log, and
// records nothing: where no log is recorded they belong to any.
func (w *Warehouse) SameLog(ctx context.Context, id broker.LogIdentity) error {
	logs, err := w.recordedLogs(ctx)
	if err != nil {
		return fmt.Errorf("check which log database %s belongs to (has it been migrated?): %w", w.cfg.Database, err)
	}
	return w.sameLog(logs, id)
}

func (w *Warehouse) sameLog(logs []broker.LogIdentity, id broker.LogIdentity) error {
	for _, l := range logs {
		err := l.SameLog(id)
		switch {
		case errors.Is(err, broker.ErrPartitions):
			return fmt.Errorf("database %s belongs to this log as it was before: %w", w.cfg.Database, err)
		case err != nil:
			return fmt.Errorf("database %s belongs to another log: %w. Use another database; or drop the tables and create "+
				"them again (migrate down --all, migrate up): the mirror then stores this log in them from its beginning", w.cfg.Database, err)
		}
	}
	return nil
}

func (w *Warehouse) recordedLogs(ctx context.Context) (logs []broker.LogIdentity, err error) {
	rows, err := w.conn.Query(ctx, identitySQL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l broker.LogIdentity
		if err := rows.Scan(&l.Topic, &l.ClusterID, &l.TopicID, &l.Partitions); err != nil {
			return nil, err
		}
		logs = append(logs, l)
	}
	return logs, rows.Err()
}
