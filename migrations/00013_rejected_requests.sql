-- +goose Up

-- Two rejections over HTTP are one row only if they are of one request (E1),
-- and the key of a rejected record is kept with its value.
ALTER TABLE rejected_log{{.OnCluster}}
    ADD COLUMN IF NOT EXISTS key String AFTER message,
    ADD COLUMN IF NOT EXISTS origin_request String AFTER origin,
    MODIFY ORDER BY (origin_kind, origin, origin_partition, origin_position, cityHash64(value), origin_request);

CREATE OR REPLACE VIEW rejected_events{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    reason, field, message, key, value, origin_kind, origin, origin_request, origin_partition, origin_position,
    kafka_partition, kafka_offset, received_at
FROM rejected_log FINAL;

-- The id of these tables: the mirror's commits carry it.
ALTER TABLE log_identity{{.OnCluster}} RENAME COLUMN IF EXISTS filling TO table_set;

-- +goose Down
ALTER TABLE log_identity{{.OnCluster}} RENAME COLUMN IF EXISTS table_set TO filling;

CREATE OR REPLACE VIEW rejected_events{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    reason, field, message, value, origin_kind, origin, origin_partition, origin_position,
    kafka_partition, kafka_offset, received_at
FROM rejected_log FINAL;

-- The columns stay: one of them is part of the sort key, which no statement
-- can take out again. Both have defaults, so nothing misses them.
