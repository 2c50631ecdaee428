-- +goose Up

-- Every state that every run of a job has been in. The highest version of a
-- run is the one that counts.
CREATE TABLE IF NOT EXISTS job_run_log{{.OnCluster}}
(
    run_id      UUID,
    job         LowCardinality(String),
    -- The shop's day, by the clock of timezone.
    day         Date,
    timezone    LowCardinality(String),
    -- 1, or one more than the failed run that it repeats.
    attempt     UInt32,
    -- running, succeeded or failed.
    state       LowCardinality(String),
    -- schedule, manual, backfill or stragglers.
    trigger     LowCardinality(String),
    started_at  DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    -- Rows of the report's table for that day.
    rows        UInt64,
    error       String,
    -- For each partition of the log, in their order, the offset before which
    -- the run has read everything and from which it has read nothing.
    offsets     Array(Int64),
    version     UInt8
)
ENGINE = {{.Replicated}}ReplacingMergeTree(version)
ORDER BY (job, day, run_id);

-- One row per run, in its latest state.
CREATE VIEW IF NOT EXISTS job_runs{{.OnCluster}} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    run_id, job, day, timezone, attempt, state, trigger, started_at, finished_at, rows, error, offsets
FROM job_run_log FINAL;

-- +goose Down
DROP VIEW IF EXISTS job_runs{{.OnCluster}};
DROP TABLE IF EXISTS job_run_log{{.OnCluster}};
