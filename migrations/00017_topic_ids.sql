-- +goose Up

-- Which alerts and rejected topics are stored in these tables, beside the log: a
-- topic that was deleted and created again has another id. Empty where the broker
-- has none.
ALTER TABLE log_identity{{.OnCluster}}
    ADD COLUMN IF NOT EXISTS alerts_id String AFTER partitions,
    ADD COLUMN IF NOT EXISTS rejected_id String AFTER alerts_id;

-- +goose Down
ALTER TABLE log_identity{{.OnCluster}}
    DROP COLUMN IF EXISTS alerts_id,
    DROP COLUMN IF EXISTS rejected_id;
