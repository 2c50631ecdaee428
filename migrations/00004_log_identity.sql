-- +goose Up

-- Which log these tables were filled from. Offsets and partitions mean nothing
-- against another one.
CREATE TABLE log_identity{{.OnCluster}}
(
    topic       String,
    cluster_id  String,
    topic_id    String,
    partitions  Int32,
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{.Replicated}}MergeTree
ORDER BY topic;

-- +goose Down
DROP TABLE log_identity{{.OnCluster}};
