-- +goose Up

-- What identifies these tables is their own id (M5).
ALTER TABLE log_identity{{.OnCluster}} DROP COLUMN IF EXISTS table_set;

-- +goose Down
ALTER TABLE log_identity{{.OnCluster}} ADD COLUMN IF NOT EXISTS table_set UUID DEFAULT generateUUIDv4() AFTER partitions;
