-- +goose Up

-- Which log these tables were filled from. Offsets and partitions mean nothing
-- against another one.
CREATE TABLE IF NOT EXISTS log_identity{{.OnCluster}}
(
    topic       String,
    cluster_id  String,
    topic_id    String,
    partitions  Int32,
    -- Another one with every new set of tables: offsets that were committed for
    -- the tables before are not theirs.
    filling     UUID DEFAULT generateUUIDv4(),
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{.Replicated}}MergeTree
ORDER BY topic;

-- +goose Down
DROP TABLE IF EXISTS log_identity{{.OnCluster}};
