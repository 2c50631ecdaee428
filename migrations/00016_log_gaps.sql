-- +goose Up

-- Every time that a gap was noticed or accepted. One row per gap remains, however
-- often and in which order that was.
CREATE TABLE IF NOT EXISTS gap_log{{.OnCluster}}
(
    topic       LowCardinality(String),
    -- The id of the topic that was read on with; empty where the broker has none.
    topic_id    String,
    partition   Int32,
    -- The offsets that are missing: from the first up to the second, which is not
    -- missing. They are the same where it is not known how many there were.
    from_offset Int64,
    to_offset   Int64,
    -- retention or recreated.
    reason      LowCardinality(String),
    -- The role that was to read them.
    noticed_by  LowCardinality(String),
    noticed_at  SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    accepted_at SimpleAggregateFunction(max, Nullable(DateTime64(3, 'UTC'))),
    accepted_by SimpleAggregateFunction(max, String)
)
ENGINE = {{.Replicated}}AggregatingMergeTree
ORDER BY (topic, topic_id, partition, from_offset, to_offset, reason, noticed_by);

-- One row per gap.
CREATE VIEW IF NOT EXISTS log_gaps{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    topic, topic_id, partition, from_offset, to_offset, reason, noticed_by, noticed_at, accepted_at, accepted_by
FROM gap_log FINAL;

-- +goose Down
DROP VIEW IF EXISTS log_gaps{{.OnCluster}};
DROP TABLE IF EXISTS gap_log{{.OnCluster}};
