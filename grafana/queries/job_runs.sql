-- The newest run of each job: whether the reports can be trusted.
SELECT
    job,
    argMax(day, started_at) AS reported_day,
    argMax(state, started_at) AS last_state,
    max(started_at) AS last_start,
    argMax(rows, started_at) AS report_rows,
    argMax(error, started_at) AS last_error
FROM job_runs
WHERE started_at <= $__toTime_ms
GROUP BY job
ORDER BY job
