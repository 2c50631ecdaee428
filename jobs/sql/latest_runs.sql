-- The newest successful and the newest failed run of each job and day, in the
-- order in which they ended.
SELECT * FROM
(
    SELECT run_id, job, day, timezone, attempt, state, trigger, started_at, finished_at, rows, error, offsets
    FROM job_runs
    WHERE state IN ('succeeded', 'failed')
      AND day BETWEEN {from:Date} AND {to:Date}
    ORDER BY finished_at DESC, run_id DESC
    LIMIT 1 BY job, day, state
)
ORDER BY finished_at, run_id
