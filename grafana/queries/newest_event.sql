-- Seconds between the newest event that came in and now, or the end of the time
-- shown. One row without a value when nothing came in for a day.
SELECT
    if(count() = 0, NULL, dateDiff('millisecond', max(received_at), least(now64(3), $__toTime_ms)) / 1000) AS age
FROM events
WHERE received_at <= $__toTime_ms
  -- Events are stored by when they happened: without this every day is read.
  AND timestamp >= $__toTime_ms - INTERVAL 1 DAY
  AND timestamp <= $__toTime_ms + INTERVAL 1 DAY
