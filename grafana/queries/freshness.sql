-- How old the newest event was at the end of each step: a rising line
-- means that no events arrive or that none are stored.
SELECT
    time,
    -- The last step is not over yet.
    greatest(0, dateDiff('millisecond', newest, least(toDateTime64(time + $__interval_s, 3), now64(3))) / 1000) AS age
FROM
(
    SELECT
        time,
        -- The newest of this step or of those before it.
        max(newest_of_step) OVER (ORDER BY time) AS newest
    FROM
    (
        SELECT
            $__timeInterval(received_at) AS time,
            max(received_at) AS newest_of_step
        FROM events
        WHERE $__timeFilter_ms(received_at)
          -- Events are stored by when they happened. A day to either side is
          -- read too: an import of something older is not fresh.
          AND timestamp >= $__fromTime_ms - INTERVAL 1 DAY
          AND timestamp <= $__toTime_ms + INTERVAL 1 DAY
        GROUP BY time
        ORDER BY time WITH FILL TO $__toTime STEP $__interval_s
    )
)
ORDER BY time
