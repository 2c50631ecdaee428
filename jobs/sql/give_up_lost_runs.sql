-- A run that is recorded as running long after its timeout was killed.
INSERT INTO job_run_log
    (run_id, job, day, timezone, attempt, state, trigger, started_at, finished_at, rows, error, offsets, version)
SELECT
    run_id, job, day, timezone, attempt, 'failed', trigger, started_at, now64(3, 'UTC'), 0,
    'the process ended before the run did', offsets, {version:UInt8}
FROM job_runs
WHERE state = 'running' AND started_at < fromUnixTimestamp64Milli({lost_before:Int64}, 'UTC')
