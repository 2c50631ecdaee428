-- +goose Up

-- Which log is stored in these tables. Its offsets and partitions are meaningless
-- on another one.
CREATE TABLE IF NOT EXISTS log_identity{{.OnCluster}}
(
    topic       String,
    cluster_id  String,
    topic_id    String,
    partitions  Int32,
    -- The id of this table set: offsets that were committed for another table
    -- set do not count.
    filling     UUID DEFAULT generateUUIDv4(),
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{.Replicated}}MergeTree
ORDER BY topic;

-- +goose Down
DROP TABLE IF EXISTS log_identity{{.OnCluster}};
