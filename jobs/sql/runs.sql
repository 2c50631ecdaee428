-- Runs, the latest first. Run ids are in the order of time.
SELECT run_id, job, day, timezone, attempt, state, trigger, started_at, finished_at, rows, error, offsets
FROM job_runs
WHERE ({job:String} = '' OR job = {job:String})
  AND ({state:String} = '' OR state = {state:String})
  AND day BETWEEN {from:Date} AND {to:Date}
ORDER BY started_at DESC, run_id DESC
LIMIT {limit:UInt32}
