-- event_log as the first version made it: it stores an event's offset twice, and
-- does not sync what it stores.
CREATE TABLE event_log
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
    offset_rank      UInt64 MATERIALIZED bitNot(toUInt64(kafka_offset))
)
ENGINE = ReplacingMergeTree(offset_rank)
PARTITION BY toDate(timestamp)
ORDER BY (event_type, toStartOfHour(timestamp), kafka_key, timestamp, event_id)
PRIMARY KEY (event_type, toStartOfHour(timestamp), kafka_key)
