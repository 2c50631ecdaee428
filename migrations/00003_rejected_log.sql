-- +goose Up

-- Every rejected record, as it came. One row per origin and content remains.
CREATE TABLE IF NOT EXISTS rejected_log{{.OnCluster}}
(
    reason           LowCardinality(String),
    field            String,
    message          String,
    -- The original bytes, whatever they are.
    value            String,
    origin_kind      LowCardinality(String),
    -- Topic, file name or write key.
    origin           String,
    origin_partition Int32,
    -- Offset, line number or index in the request.
    origin_position  Int64,
    kafka_partition  Int32,
    kafka_offset     Int64,
    received_at      DateTime64(3, 'UTC'),
    offset_rank      UInt64 MATERIALIZED bitNot(toUInt64(kafka_offset))
)
ENGINE = {{.Replicated}}ReplacingMergeTree(offset_rank)
-- The content is part of the identity: another file of the same name, or a
-- file that was corrected, is another origin.
ORDER BY (origin_kind, origin, origin_partition, origin_position, cityHash64(value));

CREATE VIEW IF NOT EXISTS rejected_events{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    reason, field, message, value, origin_kind, origin, origin_partition, origin_position,
    kafka_partition, kafka_offset, received_at
FROM rejected_log FINAL;

-- +goose Down
DROP VIEW IF EXISTS rejected_events{{.OnCluster}};
DROP TABLE IF EXISTS rejected_log{{.OnCluster}};
