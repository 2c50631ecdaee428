-- Which migrations have been applied. A version may have two rows, where two
-- instances migrated at once.
CREATE TABLE IF NOT EXISTS goose_db_version{{.OnCluster}}
(
    version_id Int64,
    is_applied UInt8,
    date       Date DEFAULT now(),
    tstamp     DateTime DEFAULT now()
)
ENGINE = {{.Replicated}}MergeTree
ORDER BY version_id
