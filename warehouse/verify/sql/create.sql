-- The rows of the view events, in the order of the log: what each row says as
-- the text of a record, as a hash.
CREATE TABLE {stored:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    received        Int64,
    time            Int64,
    -- the place of the event's type among those that are counted, or 0
    type            UInt16,
    -- where the type is counted
    product_id      String,
    -- of key and event_id, and of the rest of the identity
    id_hash         UInt64 CODEC(NONE),
    identity_hash   UInt64 CODEC(NONE),
    text_hash       FixedString(16) CODEC(NONE),
    INDEX times time TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- The records of the log that no row of the view repeats byte by byte:
-- duplicates, invalid ones, those in another notation, and whatever is wrong.
CREATE TABLE {rest:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    received        Int64,
    -- whether the view has a row from this place
    stored          UInt8,
    -- whether the value is JSON, by a reader that takes numbers of any size
    is_json         UInt8,
    key             String,
    value           String
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- The same, as ClickHouse reads their JSON.
CREATE TABLE {decoded:Identifier}
(
    kafka_partition  Int32,
    kafka_offset     Int64,
    received         Int64,
    stored           UInt8,
    -- 0 an event, 1 invalid, 2 not known
    kind             UInt8,
    key              String,
    value_hash       FixedString(16),
    event_id         String,
    event_type       String,
    timestamp        DateTime64(3, 'UTC'),
    user_id          String,
    session_id       String,
    product_id       String,
    product_category String,
    brand            String,
    currency         String,
    device_type      String,
    page_url         String,
    order_id         String,
    source           String,
    price            Nullable(Decimal(18, 4)),
    quantity         UInt32,
    properties       Array(Tuple(String, String)),
    identity         FixedString(16)
)
ENGINE = MergeTree
ORDER BY (toDate(timestamp), kafka_partition, kafka_offset);

-- The events among them, each with what became of it.
CREATE TABLE {judged:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    received        Int64,
    time            Int64,
    type            UInt16,
    product_id      String,
    stored          UInt8,
    identity        FixedString(16),
    -- the offset of the row with this identity, or -1
    row_offset      Int64,
    row_received    Int64,
    problem         LowCardinality(String),
    -- the columns that differ from the row's
    columns         Array(LowCardinality(String))
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- The rows among stored that are not what the log says at their places.
CREATE TABLE {wrong:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    text_hash       FixedString(16)
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- The valid ticks.
CREATE TABLE {ticks:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    quiet_ms        Int64
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- The changes of rules.
CREATE TABLE {changes:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    -- of the set that is put in force
    hash            String
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- Which windows each rule judges: those that start after one time and not after
-- another.
CREATE TABLE {eras:Identifier}
(
    kafka_partition Int32,
    -- the place of its definition among those of the log
    rule            UInt32,
    slide           Int64,
    window          Int64,
    after           Int64,
    up_to           Int64
)
ENGINE = MergeTree
ORDER BY (kafka_partition, rule, after);

-- How far the event watermark comes, between two ticks and by pane.
CREATE TABLE {marks:Identifier}
(
    kafka_partition Int32,
    next_tick       Int64,
    boundary        Int64,
    first_offset    Int64,
    highest         Int64
)
ENGINE = MergeTree
ORDER BY (kafka_partition, next_tick, boundary);

-- The offset of the record that brings the watermark to a multiple of the pane.
CREATE TABLE {closes:Identifier}
(
    kafka_partition Int32,
    boundary        Int64,
    close_offset    Int64
)
ENGINE = MergeTree
ORDER BY (kafka_partition, close_offset);

-- The windows that qualify when they close.
CREATE TABLE {expected:Identifier}
(
    kafka_partition Int32,
    rule            UInt32,
    product_id      String,
    start           Int64,
    views           UInt64,
    purchases       UInt64
)
ENGINE = MergeTree
ORDER BY (kafka_partition, rule, product_id, start);

-- The products whose windows are followed event by event.
CREATE TABLE {chosen:Identifier}
(
    rule       UInt32,
    product_id String
)
ENGINE = MergeTree
ORDER BY (rule, product_id);

-- The windows that qualified after some event, the first one being at this offset.
CREATE TABLE {qualified:Identifier}
(
    kafka_partition Int32,
    rule            UInt32,
    product_id      String,
    start           Int64,
    first_offset    Int64,
    views           UInt64,
    purchases       UInt64
)
ENGINE = MergeTree
ORDER BY (rule, kafka_partition, product_id, start);

-- The windows whose episodes these join, or 0.
CREATE TABLE {parents:Identifier}
(
    kafka_partition Int32,
    rule            UInt32,
    product_id      String,
    start           Int64,
    parent          Int64
)
ENGINE = MergeTree
ORDER BY (rule, kafka_partition, product_id, start);

-- The records of the alerts topic, as ClickHouse reads their JSON.
CREATE TABLE {emitted:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    alert_id        String,
    version         UInt64,
    content         FixedString(16)
)
ENGINE = MergeTree
ORDER BY (alert_id, version);

-- The records of the rejected topic.
CREATE TABLE {rejected:Identifier}
(
    kafka_partition Int32,
    kafka_offset    Int64,
    origin          FixedString(16),
    content         FixedString(16)
)
ENGINE = MergeTree
ORDER BY (kafka_partition, kafka_offset);

-- How far the run has come.
CREATE TABLE {progress:Identifier}
(
    saved_at    DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    key         String,
    released    Bool,
    begins      Array(Int64),
    ends        Array(Int64),
    stored_to   Int64,
    next        Array(Int64),
    last_values Array(Int64),
    matched     UInt64
)
ENGINE = MergeTree
ORDER BY saved_at
