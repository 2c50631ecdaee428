-- +goose Up

-- Every version of every alert. The highest version of an id is the one that
-- counts.
CREATE TABLE IF NOT EXISTS alert_log{{.OnCluster}}
(
    alert_id        String,
    rule            LowCardinality(String),
    product_id      String,
    window_start    DateTime64(3, 'UTC'),
    window_end      DateTime64(3, 'UTC'),
    status          LowCardinality(String),
    views           UInt64,
    purchases       UInt64,
    conversion_rate Float64,
    version         UInt64,
    episode_id      String,
    exact           Bool,
    kafka_partition Int32,
    kafka_offset    Int64,
    received_at     DateTime64(3, 'UTC')
)
ENGINE = {{.Replicated}}ReplacingMergeTree(version)
-- Window and product are functions of the id.
PARTITION BY toYYYYMM(window_start)
ORDER BY (window_start, product_id, alert_id);

CREATE VIEW IF NOT EXISTS flash_sale_alerts{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    alert_id, rule, product_id, window_start, window_end, status, views, purchases, conversion_rate,
    version, episode_id, exact, kafka_partition, kafka_offset, received_at
FROM alert_log FINAL;

-- +goose Down
DROP VIEW IF EXISTS flash_sale_alerts{{.OnCluster}};
DROP TABLE IF EXISTS alert_log{{.OnCluster}};
