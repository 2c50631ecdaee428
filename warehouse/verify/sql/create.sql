-- The log as it is read now. Columns that are only compared are kept as a hash.
CREATE TABLE {table:Identifier}
(
    -- 0 an event, 1 invalid, 2 a tick
    kind             UInt8,
    event_id         String,
    event_type       LowCardinality(String),
    timestamp        DateTime64(3, 'UTC'),
    product_id       String,
    kafka_key        String,
    kafka_partition  Int32,
    kafka_offset     Int64,
    received_at      DateTime64(3, 'UTC'),
    -- of a tick
    after            Int64,
    quiet_ms         Int64,
    user_id          String EPHEMERAL,
    session_id       String EPHEMERAL,
    product_category LowCardinality(String) EPHEMERAL,
    brand            LowCardinality(String) EPHEMERAL,
    currency         LowCardinality(String) EPHEMERAL,
    device_type      LowCardinality(String) EPHEMERAL,
    page_url         String EPHEMERAL,
    order_id         String EPHEMERAL,
    source           LowCardinality(String) EPHEMERAL,
    price            Nullable(Decimal(18, 4)) EPHEMERAL,
    quantity         UInt32 EPHEMERAL,
    -- of an invalid record, its whole value
    properties       String EPHEMERAL,
    identity         UInt64 DEFAULT sipHash64(kafka_key, toString(event_type), timestamp, event_id),
    content          UInt64 DEFAULT sipHash64(user_id, session_id, product_id, toString(product_category), toString(brand),
                         toString(currency), toString(device_type), page_url, order_id, toString(source),
                         ifNull(toString(price), '-'), quantity, properties),
    value            UInt64 DEFAULT sipHash64(properties)
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset)
