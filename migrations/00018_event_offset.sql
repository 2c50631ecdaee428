-- +goose Up

-- The offset and its rank say the same thing, and neither compresses well: one of
-- them is stored. It is the rank, by which copies are told apart in a merge.
ALTER TABLE event_log{{.OnCluster}} MODIFY COLUMN offset_rank UInt64 DEFAULT bitNot(toUInt64(0));
ALTER TABLE event_log{{.OnCluster}} DROP COLUMN IF EXISTS kafka_offset;
ALTER TABLE event_log{{.OnCluster}} ADD COLUMN IF NOT EXISTS kafka_offset Int64 ALIAS toInt64(bitNot(offset_rank)) AFTER kafka_partition;

-- +goose Down
ALTER TABLE event_log{{.OnCluster}} MODIFY COLUMN offset_rank UInt64 DEFAULT bitNot(toUInt64(0));
ALTER TABLE event_log{{.OnCluster}} ADD COLUMN IF NOT EXISTS stored_offset Int64 DEFAULT toInt64(bitNot(offset_rank)) AFTER kafka_partition;
ALTER TABLE event_log{{.OnCluster}} MATERIALIZE COLUMN stored_offset SETTINGS mutations_sync = 2;
ALTER TABLE event_log{{.OnCluster}} DROP COLUMN IF EXISTS kafka_offset;
ALTER TABLE event_log{{.OnCluster}} RENAME COLUMN IF EXISTS stored_offset TO kafka_offset;
ALTER TABLE event_log{{.OnCluster}} MODIFY COLUMN kafka_offset REMOVE DEFAULT;
ALTER TABLE event_log{{.OnCluster}} MODIFY COLUMN offset_rank UInt64 MATERIALIZED bitNot(toUInt64(kafka_offset));
