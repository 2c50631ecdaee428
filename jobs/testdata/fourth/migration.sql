-- +goose Up

-- One row per kind of device.
CREATE TABLE IF NOT EXISTS visitors_daily{{.OnCluster}}
(
    day      Date,
    device   LowCardinality(String),
    -- Distinct users; a visitor without a user_id is its session.
    visitors UInt64,
    run_id   UUID
)
ENGINE = {{.Replicated}}MergeTree
PARTITION BY day
ORDER BY (day, device);

-- +goose Down
DROP TABLE IF EXISTS visitors_daily{{.OnCluster}};
