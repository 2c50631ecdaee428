-- +goose Up

-- Every valid event record of the log, at least once. One row per identity
-- remains: the copy with the lowest offset.
CREATE TABLE IF NOT EXISTS event_log{{.OnCluster}}
(
    event_id         String,
    event_type       LowCardinality(String),
    timestamp        DateTime64(3, 'UTC'),
    user_id          String,
    session_id       String,
    product_id       String,
    product_category LowCardinality(String),
    brand            LowCardinality(String),
    currency         LowCardinality(String),
    device_type      LowCardinality(String),
    page_url         String,
    order_id         String,
    source           LowCardinality(String),
    price            Nullable(Decimal(18, 4)),
    quantity         UInt32,
    properties       String,
    kafka_key        String,
    kafka_partition  Int32,
    kafka_offset     Int64,
    received_at      DateTime64(3, 'UTC'),
    -- ReplacingMergeTree keeps the highest version, and the first copy on the
    -- log is the one that counts.
    offset_rank      UInt64 MATERIALIZED bitNot(toUInt64(kafka_offset))
)
ENGINE = {{.Replicated}}ReplacingMergeTree(offset_rank)
-- A function of the identity, so that copies always meet.
PARTITION BY toDate(timestamp)
-- The identity's columns alone. The hour before the key keeps what a dashboard
-- or a report of one day reads close together.
ORDER BY (event_type, toStartOfHour(timestamp), kafka_key, timestamp, event_id)
-- The identity's last columns would make the index in memory large.
PRIMARY KEY (event_type, toStartOfHour(timestamp), kafka_key);

-- One row per identity, whatever has not merged yet. A day's partition can be
-- read by itself, for an identity has one day.
CREATE VIEW IF NOT EXISTS events{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    event_id, event_type, timestamp, user_id, session_id, product_id, product_category, brand, currency,
    device_type, page_url, order_id, source, price, quantity, properties,
    kafka_key, kafka_partition, kafka_offset, received_at
FROM event_log FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- +goose Down
DROP VIEW IF EXISTS events{{.OnCluster}};
DROP TABLE IF EXISTS event_log{{.OnCluster}};
