-- Tables of runs that have ended or must have.
SELECT name
FROM system.tables
WHERE database = currentDatabase()
  AND startsWith(name, {prefix:String})
  AND (metadata_modification_time < fromUnixTimestamp64Milli({lost_before:Int64}, 'UTC')
    OR substring(name, length({prefix:String}) + 1) IN (SELECT replaceAll(toString(run_id), '-', '') FROM job_runs WHERE state != 'running'))
